import { pointNames } from "../model/points.ts";
import { noSeq, type SpanRecords } from "../model/records.ts";
import type { Span } from "../model/spans.ts";
import { spanNames } from "../model/spans.ts";
import { type RowProblem, readLines } from "./lines.ts";

const columns = [
  "interval",
  "index",
  "seq",
  ...pointNames.map((point) => `${point}_ns`),
  ...spanNames.map((span) => `${span}_ns`),
  "truth_ns",
];

/** The first line of a SPANS_ file. */
export const spansHeader = columns.join(";");

/** One row of a SPANS_ file; what is unknown is an empty cell. */
export function spansRow(records: SpanRecords, row: number, truthNs: number): string {
  let line = `${records.interval[row]};${records.index[row]};`;
  if (records.seq[row] !== noSeq) line += records.seq[row];
  for (const point of pointNames) line += cell(records[`${point}Ns`][row] || Number.NaN);
  for (const span of spanNames) line += cell(records.span(span, row));
  return line + cell(truthNs);
}

function cell(value: number): string {
  return Number.isNaN(value) ? ";" : `;${value}`;
}

/** What a report needs of a SPANS_ file: one column per span and the truth; NaN where unknown. */
export interface SpansLog {
  readonly file: string;
  length: number;
  interval: Uint32Array;
  readonly ns: Record<Span | "truth", Float64Array>;
}

const firstSpan = columns.indexOf(`${spanNames[0]}_ns`);
const kept = [...spanNames, "truth"] as const;

/** Reads a SPANS_ file. *Fails when* it cannot be read; bad rows go to `onProblem`. */
export function readSpansLog(
  file: string,
  rows: number,
  onProblem: (problem: RowProblem) => void,
): SpansLog {
  const capacity = Math.max(16, Math.min(rows, 20_000_000));
  const ns = {} as Record<Span | "truth", Float64Array>;
  for (const name of kept) ns[name] = new Float64Array(capacity);
  const log = { file, length: 0, interval: new Uint32Array(capacity), ns };
  readLines(file, {
    columns: [columns.length],
    header: spansHeader,
    emptyCells: true,
    onProblem,
    onRow: ({ cells }) => {
      if (log.length === log.interval.length) grow(log);
      log.interval[log.length] = cells[0];
      for (let at = 0; at < kept.length; at++) log.ns[kept[at]][log.length] = cells[firstSpan + at];
      log.length++;
      return undefined;
    },
  });
  return log;
}

function grow(log: SpansLog): void {
  const rows = Math.ceil(log.length * 1.5);
  const interval = new Uint32Array(rows);
  interval.set(log.interval);
  log.interval = interval;
  for (const name of kept) {
    const longer = new Float64Array(rows);
    longer.set(log.ns[name]);
    log.ns[name] = longer;
  }
}
