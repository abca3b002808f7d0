/** Prometheus' text format 0.0.4, and OpenMetrics 1.0.0, which differ little. */
import type { Metric } from "../model/metric.ts";
import { boundsOf } from "./bounds.ts";
import type { Family, HistogramValue, Series } from "./family.ts";

export const contentTypes = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type TextFormat = keyof typeof contentTypes;

export function write(families: readonly Family[], format: TextFormat): string {
  const parts: string[] = [];
  for (const family of families) {
    if (family.series.length === 0) continue;
    head(parts, family.metric, format);
    for (const series of family.series) line(parts, family.metric, series);
  }
  if (format === "openmetrics") parts.push("# EOF\n");
  return parts.join("");
}

const units = ["seconds", "bytes", "ratio"];

function head(parts: string[], metric: Metric, format: TextFormat): void {
  const open = format === "openmetrics";
  // OpenMetrics names a counter's family without the suffix of its samples.
  const name = open && metric.type === "counter" ? metric.name.replace(/_total$/, "") : metric.name;
  const help = metric.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  parts.push(`# HELP ${name} ${open ? help.replaceAll('"', '\\"') : help}\n`);
  parts.push(`# TYPE ${name} ${metric.type}\n`);
  const unit = units.find((one) => name.endsWith(`_${one}`));
  if (open && unit) parts.push(`# UNIT ${name} ${unit}\n`);
}

function line(parts: string[], metric: Metric, { labels, value }: Series): void {
  const inner = metric.labels
    .map((name, i) => `${name}="${escapeLabel(labels[i] ?? "")}"`)
    .join(",");
  if (typeof value === "number") {
    parts.push(`${metric.name}${inner && `{${inner}}`} ${number(value)}\n`);
  } else histogram(parts, metric, inner, value);
}

function histogram(parts: string[], metric: Metric, inner: string, value: HistogramValue): void {
  const { counts } = value.histogram;
  const begin = `${metric.name}_bucket{${inner}${inner && ","}le="`;
  let count = 0;
  let bucket = 0;
  for (const { before, le } of boundsOf(metric, value.unitSeconds)) {
    while (bucket < before) count += counts[bucket++];
    parts.push(`${begin}${le}"} ${count}\n`);
  }
  while (bucket < counts.length) count += counts[bucket++];
  const tail = inner && `{${inner}}`;
  parts.push(
    `${begin}+Inf"} ${count}\n${metric.name}_sum${tail} ${number(value.sumSeconds)}\n`,
    `${metric.name}_count${tail} ${count}\n`,
  );
}

export function escapeLabel(text: string): string {
  if (!/[\\"\n]/.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
