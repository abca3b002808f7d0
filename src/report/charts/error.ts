import type { EcdfPoint } from "../../stats/ecdf.ts";
import type { ErrorName, SpanError } from "../combination.ts";
import { element, label } from "../svg/element.ts";
import { type Box, picture, xAxis } from "../svg/frame.ts";
import { linearScale, type Scale } from "../svg/scale.ts";
import { axisNs, rowLabel, type Titled } from "./title.ts";

const width = 720;
const rowHeight = 22;
const [left, right, top] = [190, 690, 26];

const headings: Readonly<Record<ErrorName, string>> = {
  service: "service − truth",
  corrected: "service − truth, less the calibrated offset",
  sojourn: "sojourn − truth: contains the wait in the queue",
};

/** Measured - truth on the same packets: a picture per span, in it a row per combination. */
export function errorCharts(combinations: readonly Titled[]): string[] {
  return (Object.keys(headings) as ErrorName[]).flatMap((span) => {
    const rows = combinations.flatMap(({ title, detail, combination }) => {
      const error = combination.error?.[span];
      return error ? [{ title, detail, error }] : [];
    });
    return rows.length > 0 ? [errorChart(span, rows)] : [];
  });
}

interface ErrorRow {
  readonly title: string;
  readonly detail: string;
  readonly error: SpanError;
}

function errorChart(span: ErrorName, rows: readonly ErrorRow[]): string {
  const low = Math.min(0, ...rows.map(({ error }) => quantile(error.ecdf, 0.01)));
  const high = Math.max(0, ...rows.map(({ error }) => quantile(error.ecdf, 0.99)));
  const scale = linearScale([low, high], [left, right], 8);
  const bottom = top + rows.length * rowHeight;
  const box: Box = { left, top, right, bottom };
  const axis = { scale, format: axisNs, title: "measured − truth, same packet" };
  return picture(
    width,
    bottom + 40,
    `Error per packet: ${headings[span]}`,
    label(headings[span], left, 14, { class: "heading" }),
    element("g", { class: "axes" }, xAxis(box, axis)),
    ...rows.map(({ title, detail, error }, at) => {
      const y = top + (at + 0.5) * rowHeight;
      return rowLabel(title, detail, left - 8, y) + boxOf(error, span, y, scale);
    }),
  );
}

/** A line from the 1st to the 99th percentile, a box for the middle half, a mark at the median. */
function boxOf({ ecdf, summary }: SpanError, name: string, y: number, scale: Scale): string {
  const at = (q: number) => scale.at(quantile(ecdf, q));
  const middle = scale.at(summary.p50_ns);
  const boxWidth = Math.max(1, at(0.75) - at(0.25));
  return element(
    "g",
    { class: `box ${name}` },
    element("line", { x1: at(0.01), y1: y, x2: at(0.99), y2: y }),
    element("rect", { x: at(0.25), y: y - 4, width: boxWidth, height: 8 }),
    element("line", { x1: middle, y1: y - 6, x2: middle, y2: y + 6, class: "median" }),
  );
}

function quantile(ecdf: readonly EcdfPoint[], q: number): number {
  return (ecdf.find(({ share }) => share >= q) ?? ecdf[ecdf.length - 1]).value;
}
