import type { Column, Row } from "../model/table.ts";
import { microsecondsText } from "../results/names.ts";
import { apartColumns, apartOf } from "./apart.ts";
import type { CombinationReport } from "./combination.ts";

/** `10k`, `2.5k`, `175k`, `1M`, `300`. */
export function shortRate(pps: number): string {
  if (pps >= 1e6) return `${pps / 1e6}M`;
  return pps >= 1000 ? `${pps / 1000}k` : String(pps);
}

const placeColumns: readonly Column[] = [
  { key: "pps", unit: "number" },
  { key: "delay", title: "delay", unit: "number" },
  { key: "law", unit: "number" },
];

/** Columns that say which combination a row is of: rate, delay and law, and what else tells these apart. */
export function placeColumnsOf(combinations: readonly CombinationReport[]): Column[] {
  return [...placeColumns, ...apartColumns(combinations)];
}

/** Where a combination stands in a table. */
export function placeOf(combination: CombinationReport): Row {
  const { params } = combination;
  return {
    ...apartOf(combination),
    pps: shortRate(params.pps),
    delay: `${microsecondsText(params.delayNs)} µs`,
    law: params.law,
  };
}
