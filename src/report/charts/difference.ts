import type { Difference, Pair } from "../against/compare.ts";
import { type QuantityName, quantityNames } from "../quantity.ts";
import { element, label } from "../svg/element.ts";
import { type Box, legend, picture, xAxis } from "../svg/frame.ts";
import { linearScale, type Scale } from "../svg/scale.ts";
import { rowLabel, titled } from "./title.ts";

const width = 720;
const markHeight = 9;
const [left, right, top] = [190, 690, 56];

const headings = { p50: "medians", p99: "99th percentiles" } as const;
type Statistic = Difference["statistic"];

/** Beyond these an interval is cut: it says no more than that nothing is known. */
const [least, most] = [-1, 3];

/** A time of a pair of combinations, as a share of B's. */
interface Mark {
  readonly name: QuantityName;
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly differs: boolean;
}

/** A - B in percent of B with its interval: a chart of the medians and one of the 99th percentiles. */
export function differenceCharts(
  pairs: readonly Pair[],
  differences: readonly Difference[],
): string[] {
  return (Object.keys(headings) as Statistic[]).flatMap((statistic) => {
    const rows = titled(pairs.map(([a]) => a))
      .map(({ title, detail, combination: a }) => {
        const own = differences.filter((one) => one.a === a && one.statistic === statistic);
        return { title, detail, marks: quantityNames.flatMap((name) => markOf(own, name)) };
      })
      .filter(({ marks }) => marks.length > 0);
    return rows.length > 0 ? [differenceChart(statistic, rows)] : [];
  });
}

function markOf(own: readonly Difference[], name: QuantityName): Mark[] {
  const one = own.find(({ quantity }) => quantity === name);
  if (one === undefined || !(one.bNs > 0)) return [];
  const [low, high] = [one.lowNs / one.bNs, one.highNs / one.bNs];
  return [{ name, share: one.differenceNs / one.bNs, low, high, differs: one.differs }];
}

function differenceChart(
  statistic: Statistic,
  rows: readonly {
    readonly title: string;
    readonly detail: string;
    readonly marks: readonly Mark[];
  }[],
): string {
  const marks = rows.flatMap((row) => row.marks);
  const low = Math.max(least, Math.min(-0.01, ...marks.map((mark) => mark.low)));
  const high = Math.min(most, Math.max(0.01, ...marks.map((mark) => mark.high)));
  const scale = linearScale([low, high], [left, right], 8);
  const heights = rows.map((row) => row.marks.length * markHeight + 8);
  const bottom = top + heights.reduce((all, one) => all + one, 0);
  const box: Box = { left, top, right, bottom };
  const names = quantityNames.filter((name) => marks.some((mark) => mark.name === name));
  const axis = { scale, format: percent, title: "A − B, share of B" };
  let y = top;
  return picture(
    width,
    bottom + 40,
    `Differences of the ${headings[statistic]}`,
    label(`Difference of the ${headings[statistic]}`, left, 14, { class: "heading" }),
    legend(names, box, 34),
    element("g", { class: "axes" }, xAxis(box, axis)),
    element("line", { x1: scale.at(0), y1: top, x2: scale.at(0), y2: bottom, class: "zero" }),
    ...rows.map(({ title, detail, marks }, at) => {
      const middle = y + heights[at] / 2;
      const row = marks.map((one, line) => markSvg(one, y + 8 + line * markHeight, scale));
      y += heights[at];
      return rowLabel(title, detail, left - 8, middle) + row.join("");
    }),
  );
}

function markSvg({ name, share, low, high, differs }: Mark, y: number, scale: Scale): string {
  return element(
    "g",
    { class: `mark ${name}${differs ? " differs" : ""}` },
    element("line", { x1: scale.at(low), y1: y, x2: scale.at(high), y2: y }),
    element("rect", { x: scale.at(share) - 2.5, y: y - 2.5, width: 5, height: 5 }),
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
