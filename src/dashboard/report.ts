/** Any range of time as a table: for every series its least, mean and largest value, and how it went. */
import { formatBytes, formatNs } from "../base/units.ts";
import type { Column, Row } from "../model/table.ts";
import { sparkline } from "../sinks/bars.ts";
import { csv } from "../sinks/csv.ts";
import type { Alert } from "./alerts.ts";
import type { History } from "./history.ts";

const columns: readonly Column[] = [
  { key: "series", unit: "text" },
  { key: "points", unit: "count" },
  { key: "min", unit: "number" },
  { key: "mean", unit: "number" },
  { key: "max", unit: "number" },
  { key: "last", unit: "number" },
];
const parts = 24;
/** The event loop has its turn after so long: all else goes on while a report is made. */
const turnMs = 20;

export async function reportCsv(history: History, from: number, to: number): Promise<string> {
  const rows = await rowsOf(history, from, to);
  return csv({ schema: "komon.dashboard.report/1", columns, rows });
}

export async function reportHtml(
  history: History,
  from: number,
  to: number,
  alerts: readonly Alert[],
): Promise<string> {
  const heads = [...columns.map(({ key }) => key), ""];
  const rows = (await rowsOf(history, from, to)).map((row) => {
    const values = (["min", "mean", "max", "last"] as const).map((key) =>
      format(row.series, row[key]),
    );
    const cells = [row.series, row.points, ...values, row.line];
    return `<tr>${cells.map((cell) => `<td>${Bun.escapeHTML(String(cell))}</td>`).join("")}</tr>`;
  });
  const told = alerts.map(({ rule, state, series, value, sinceMs }) =>
    Bun.escapeHTML(
      `${rule} is ${state} since ${new Date(sinceMs).toISOString()}: ${series} is ${format(series, value)}`,
    ),
  );
  const range = `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>komon report</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{font:14px system-ui;margin:2em}td,th{padding:.2em .8em;text-align:right}td:first-child,th:first-child{text-align:left;font-family:monospace}td:last-child{font-family:monospace;text-align:left}</style>
<h1>komon report</h1><p>${range}</p><h2>Alerts now</h2><p>${told.join("<br>") || "none"}</p>
<table><thead><tr>${heads.map((key) => `<th>${key}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></html>
`;
}

/** In the unit that the series' name says. */
function format(series: string, value: number): string {
  if (!series.endsWith(":rate")) {
    if (/_seconds\b/.test(series)) return formatNs(value * 1e9);
    if (/_bytes\b/.test(series)) return formatBytes(value);
  }
  return String(Number(value.toPrecision(4)));
}

interface Summary extends Row {
  readonly series: string;
  readonly points: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  readonly last: number;
  /** How the mean went. */
  readonly line: string;
}

async function rowsOf(history: History, from: number, to: number): Promise<Summary[]> {
  const rows: Summary[] = [];
  let begun = performance.now();
  for (const series of history.keys()) {
    const all = history.parts(series, [from, to, parts]);
    const last = history.last(series, from, to);
    if (performance.now() - begun > turnMs) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      begun = performance.now();
    }
    if (all.length === 0 || last === undefined) continue;
    const total = (pick: (part: (typeof all)[number]) => number) =>
      all.reduce((sum, part) => sum + pick(part), 0);
    const means = Array<number>(parts).fill(Number.NaN);
    for (const { part, sum, n } of all) means[part] = sum / n;
    rows.push({
      series,
      points: total(({ points }) => points),
      min: Math.min(...all.map(({ low }) => low)),
      mean: total(({ sum }) => sum) / total(({ n }) => n),
      max: Math.max(...all.map(({ high }) => high)),
      last,
      line: sparkline(means),
    });
  }
  return rows;
}
