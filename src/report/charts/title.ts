import { laws } from "../../model/laws.ts";
import { microsecondsText } from "../../results/names.ts";
import type { CombinationReport } from "../combination.ts";
import { shortRate } from "../place.ts";

/** A combination, and how a chart names it. */
export interface Titled {
  readonly title: string;
  readonly combination: CombinationReport;
}

export function titled(combination: CombinationReport): Titled {
  return { title: titleOf(combination), combination };
}

/** `1k pps · 50 µs · negexp`. */
export function titleOf({ params }: CombinationReport): string {
  const delay = `${microsecondsText(params.delayNs)} µs`;
  return `${shortRate(params.pps)} pps · ${delay} · ${laws[params.law].name}`;
}

/** A time on an axis, short: `200 ns`, `1 µs`, `50 µs`. */
export function axisNs(ns: number): string {
  const size = Math.abs(ns);
  const [value, unit] =
    size >= 1e9
      ? [ns / 1e9, "s"]
      : size >= 1e6
        ? [ns / 1e6, "ms"]
        : size >= 1e3
          ? [ns / 1e3, "µs"]
          : [ns, "ns"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
