import type { Column, Row } from "../model/table.ts";
import { microsecondsText } from "../results/names.ts";
import type { CombinationReport } from "./combination.ts";

/** `10k`, `2.5k`, `175k`, `1M`, `300`. */
export function shortRate(pps: number): string {
  if (pps >= 1e6) return `${pps / 1e6}M`;
  return pps >= 1000 ? `${pps / 1000}k` : String(pps);
}

export const placeColumns: readonly Column[] = [
  { key: "pps", unit: "number" },
  { key: "delay", title: "delay", unit: "number" },
  { key: "law", unit: "number" },
];

/** Where a combination stands in a table: its rate, delay and law. */
export function placeOf({ params }: CombinationReport): Row {
  return {
    pps: shortRate(params.pps),
    delay: `${microsecondsText(params.delayNs)} µs`,
    law: params.law,
  };
}
