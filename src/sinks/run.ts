/** A run for humans: where the time went, how true it is, what was covered, what it cost. */
import { printable } from "../base/printable.ts";
import { counted, formatCount, formatNs } from "../base/units.ts";
import { laws } from "../model/laws.ts";
import { pointNames } from "../model/points.ts";
import type { ErrorSummary, RunResult, Summary } from "../model/result.ts";
import { type Span, spanNames, spans } from "../model/spans.ts";
import type { Column, Row } from "../model/table.ts";
import type { Histogram } from "../stats/histogram.ts";
import { bar } from "./bars.ts";
import { histogram } from "./histogram.ts";
import { table } from "./table.ts";

/** What the text shows beside the result. */
export interface RunTextInput {
  readonly result: RunResult;
  readonly histograms: Readonly<Record<Span, { readonly histogram: Histogram }>>;
  readonly incomplete: number;
  readonly ended: string | undefined;
}

const summaryColumns: Column[] = [
  { key: "span", unit: "text" },
  { key: "way", title: "from → to", unit: "text" },
  { key: "count", title: "packets", unit: "count" },
  { key: "p50", unit: "ns" },
  { key: "p90", unit: "ns" },
  { key: "p99", unit: "ns" },
  { key: "p999", title: "p99.9", unit: "ns" },
  { key: "max", unit: "ns" },
];

export function runText(input: RunTextInput, colour: boolean): string {
  const { result, histograms } = input;
  return [
    head(input),
    table({ columns: summaryColumns, rows: summaryRows(result) }, { colour }),
    budget(result),
    accuracy(result, colour),
    `service time, every packet since the start (in-kernel histogram)\n${histogram(histograms.service.histogram)}`,
    account(result),
    files(result),
  ]
    .filter(Boolean)
    .join("\n");
}

function head({ result, incomplete, ended }: RunTextInput): string {
  const { intervals, packets, pps, sizeBytes, delayNs, law } = result.params;
  const { port } = result.manifest;
  const external = result.manifest.vnf === "external";
  const lines = [
    `${formatCount(intervals)} × ${formatCount(packets)} packets sampled at ${formatCount(pps)} pps, ` +
      `${sizeBytes} bytes; VNF: ${external ? `external, port ${port}` : `${formatNs(delayNs)} ${laws[law].name}`}`,
  ];
  const hooks = pointNames.flatMap((point) => {
    const hook = result.hooks[point];
    return hook ? [`${point} ${hook.hook}`] : [`${point} not watched`];
  });
  lines.push(`hooks: ${hooks.slice(0, 3).join(", ")},`, `       ${hooks.slice(3).join(", ")}`);
  if (ended) lines.push(`ended early: ${ended}`);
  if (incomplete > 0) {
    const limit = formatNs(Number(result.manifest.timeout_ns));
    const why = ended ? "" : `; each ended by its time-out, ${limit} (--timeout)`;
    lines.push(`INCOMPLETE: ${incomplete} of ${counted(intervals, "interval")} lack packets${why}`);
  }
  return `${lines.join("\n")}\n`;
}

function summaryRows({ spans: measured, truth }: RunResult): Row[] {
  const row = (span: string, way: string, of: Summary): Row => ({
    span,
    way,
    count: of.count,
    p50: of.p50_ns,
    p90: of.p90_ns,
    p99: of.p99_ns,
    p999: of.p999_ns,
    max: of.max_ns,
  });
  const rows = spanNames.flatMap((span) => {
    const of = measured[span];
    return of ? [row(span, `${spans[span].from} → ${spans[span].to}`, of)] : [];
  });
  if (truth) rows.push(row("truth", "the VNF's own", truth));
  return rows;
}

/** The stages one after the other, as shares of the mean residence; they add up because means do. */
function budget({ spans: measured }: RunResult): string {
  const { total, queue, service, egress } = measured;
  if (!total?.count || !queue || !service || !egress) return "";
  const below = total.mean_ns - queue.mean_ns - service.mean_ns - egress.mean_ns;
  const stages: [string, number][] = [
    ["nic → rx", below],
    ["queue", queue.mean_ns],
    ["service", service.mean_ns],
    ["egress", egress.mean_ns],
  ];
  const lines = stages.map(([name, ns]) => {
    const share = ns / total.mean_ns;
    const percent = `${(100 * share).toFixed(1)} %`.padStart(7);
    return `  ${name.padEnd(9)}${formatNs(ns).padStart(10)} ${percent}  ${bar(share, 45)}`;
  });
  return `stage budget: mean of ${formatNs(total.mean_ns)} in the host\n${lines.join("\n")}\n`;
}

function accuracy({ error, manifest }: RunResult, colour: boolean): string {
  if (!error) return "";
  const columns: Column[] = [
    { key: "of", title: "measured − truth", unit: "text" },
    { key: "pairs", unit: "count" },
    { key: "mean", unit: "ns" },
    { key: "p50", unit: "ns" },
    { key: "p99", unit: "ns" },
    { key: "mae", title: "mean |·|", unit: "ns" },
    { key: "residual", title: "residual p50", unit: "ns" },
  ];
  const row = (of: string, e: ErrorSummary): Row => ({
    of,
    pairs: e.pairs,
    mean: e.mean_ns,
    p50: e.p50_ns,
    p99: e.p99_ns,
    mae: e.mae_ns,
    residual: e.residual_p50_ns,
  });
  const rows = [row("service", error.service), row("sojourn", error.sojourn)];
  if (error.corrected) rows.push(row("corrected", error.corrected));
  const wrong = manifest.wrong_pairs ? `${manifest.wrong_pairs} WRONG PAIRS` : "no wrong pair";
  const note = `  on the same packet; ${wrong}; residual: once the median is taken off\n`;
  const { calibration } = manifest;
  const refused = typeof calibration === "string" ? `  not corrected: ${calibration}\n` : "";
  return `${table({ columns, rows }, { colour })}${note}${refused}`;
}

function account({ coverage: c, cost, load }: RunResult): string {
  const n = formatCount;
  const lines = [
    `coverage: seen ${n(c.seen)} = matched ${n(c.matched)} + expired ${n(c.expired)} + collided ` +
      `${n(c.collided)} + filtered ${n(c.filtered)} + in flight ${n(c.in_flight)}`,
    `          matched ${n(c.matched)} = delivered ${n(c.delivered)} + lost ${n(c.lost)}`,
  ];
  if (load) {
    const sent = load.sent_pps === null ? "—" : n(Math.round(load.sent_pps));
    lines.push(
      `load:     offered ${n(Math.round(load.offered_pps))} pps, sent ${sent} pps; ` +
        `${counted(load.sent, "packet")}, ${n(load.refused)} refused`,
    );
  }
  if (cost.programs.length > 0) {
    lines.push(`cost:     ${formatNs(cost.ns_per_packet)} in komon's programs per packet:`);
    for (const { program, runs, ns_per_run } of cost.programs) {
      if (runs > 0) lines.push(`            ${program.padEnd(16)} ${formatNs(ns_per_run)} a run`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function files({ files: paths }: RunResult): string {
  return `files:\n${paths.map((path) => `  ${printable(path)}\n`).join("")}`;
}
