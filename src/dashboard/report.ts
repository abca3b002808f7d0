/** Any range of time as a table: for every series its least, mean and largest value. */

import type { Column, Row } from "../model/table.ts";
import { csv } from "../sinks/csv.ts";
import type { History } from "./history.ts";

const columns: readonly Column[] = [
  { key: "series", unit: "text" },
  { key: "points", unit: "count" },
  { key: "min", unit: "number" },
  { key: "mean", unit: "number" },
  { key: "max", unit: "number" },
  { key: "last", unit: "number" },
];

export function reportCsv(history: History, from: number, to: number): string {
  return csv({ schema: "komon.dashboard.report/1", columns, rows: rowsOf(history, from, to) });
}

export function reportHtml(history: History, from: number, to: number): string {
  const rows = rowsOf(history, from, to).map(
    (row) =>
      `<tr>${columns.map(({ key }) => `<td>${Bun.escapeHTML(String(row[key] ?? ""))}</td>`).join("")}</tr>`,
  );
  const range = `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>komon report</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{font:14px system-ui;margin:2em}td,th{padding:.2em .8em;text-align:right}td:first-child,th:first-child{text-align:left;font-family:monospace}</style>
<h1>komon report</h1><p>${range}</p><table><thead><tr>${columns.map(({ key }) => `<th>${key}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></html>
`;
}

function rowsOf(history: History, from: number, to: number): Row[] {
  const rows: Row[] = [];
  for (const series of history.keys()) {
    const points = history.range(series, from, to);
    if (points.length === 0) continue;
    rows.push({
      series,
      points: points.length,
      min: Math.min(...points.map(({ low }) => low)),
      mean: points.reduce((sum, { mean }) => sum + mean, 0) / points.length,
      max: Math.max(...points.map(({ high }) => high)),
      last: points[points.length - 1].mean,
    });
  }
  return rows;
}
