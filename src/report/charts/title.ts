import { laws } from "../../model/laws.ts";
import { microsecondsText } from "../../results/names.ts";
import { detailsOf } from "../apart.ts";
import type { CombinationReport } from "../combination.ts";
import { shortRate } from "../place.ts";
import { label } from "../svg/element.ts";

/** A combination, and how a chart names it. */
export interface Titled {
  readonly title: string;
  /** What else tells it from another with the same title; empty where nothing has to. */
  readonly detail: string;
  readonly combination: CombinationReport;
}

export function titled(combinations: readonly CombinationReport[]): Titled[] {
  const details = detailsOf(combinations);
  return combinations.map((combination) => {
    return { title: titleOf(combination), detail: details.get(combination) ?? "", combination };
  });
}

/** The name of a row, left of it; its detail is a second line. */
export function rowLabel(title: string, detail: string, x: number, middle: number): string {
  const end = { "text-anchor": "end" };
  if (detail === "") return label(title, x, middle + 4, end);
  const small = label(cut(detail), x, middle + 9, { ...end, class: "detail" });
  return label(title, x, middle - 1, end) + small;
}

/** The name of a whole chart, above it. */
export function chartLabel(title: string, detail: string, x: number): string {
  if (detail === "") return label(title, x, 14, { class: "heading" });
  const small = label(cut(detail), x, 20, { class: "detail" });
  return label(title, x, 9, { class: "heading" }) + small;
}

/** A long folder's end says more than its beginning. */
function cut(detail: string): string {
  const most = 38;
  return detail.length > most ? `…${detail.slice(1 - most)}` : detail;
}

/** `1k pps · 50 µs · negexp`. */
function titleOf({ params }: CombinationReport): string {
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
