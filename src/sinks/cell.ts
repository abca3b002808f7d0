/** A cell's text for humans. */
import { printable } from "../base/printable.ts";
import { formatBytes, formatCount, formatNs, formatRate } from "../base/units.ts";
import type { Cell, Unit } from "../model/table.ts";

const writers: Readonly<Record<Unit, (value: number) => string>> = {
  ns: formatNs,
  pps: formatRate,
  bytes: formatBytes,
  count: formatCount,
  ratio: (value) => `${(value * 100).toFixed(Math.abs(value) < 0.1 ? 2 : 1)} %`,
  number: String,
  text: String,
};

export function cellText(cell: Cell, unit: Unit): string {
  if (cell === null || cell === undefined) return "-";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell === "string") return printable(cell);
  return Number.isFinite(cell) ? writers[unit](cell) : "-";
}
