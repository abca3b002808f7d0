import { element, escapeText, label, round } from "./element.ts";
import type { Scale } from "./scale.ts";

/** Where a chart draws inside its picture. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Axis {
  readonly scale: Scale;
  readonly format: (value: number) => string;
  readonly title?: string;
}

/** Grid lines, tick labels and titles of both axes. */
export function frame(box: Box, x: Axis, y: Axis): string {
  return element("g", { class: "axes" }, xAxis(box, x), yAxis(box, y));
}

export function xAxis({ left, top, right, bottom }: Box, { scale, format, title }: Axis): string {
  const parts = scale.ticks.map((tick) => {
    const at = scale.at(tick);
    const line = element("line", { x1: at, y1: top, x2: at, y2: bottom, class: "grid" });
    return line + label(format(tick), at, bottom + 14, { "text-anchor": "middle" });
  });
  if (title) {
    const attributes = { "text-anchor": "middle", class: "title" };
    parts.push(label(title, (left + right) / 2, bottom + 30, attributes));
  }
  return parts.join("");
}

function yAxis({ left, top, right, bottom }: Box, { scale, format, title }: Axis): string {
  const parts = scale.ticks.map((tick) => {
    const at = scale.at(tick);
    const line = element("line", { x1: left, y1: at, x2: right, y2: at, class: "grid" });
    return line + label(format(tick), left - 5, at + 4, { "text-anchor": "end" });
  });
  if (title) {
    const middle = round((top + bottom) / 2);
    const turned = `rotate(-90 12 ${middle})`;
    const attributes = { "text-anchor": "middle", class: "title", transform: turned };
    parts.push(label(title, 12, (top + bottom) / 2, attributes));
  }
  return parts.join("");
}

/** A picture of this size with a title for those who cannot see it. */
export function picture(width: number, height: number, title: string, ...inside: string[]): string {
  const attributes = { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" };
  return element("svg", attributes, element("title", {}, escapeText(title)), ...inside);
}

/** Straight lines through points. */
export function polyline(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");
}

/** The names of the colours and their meaning, in rows as wide as there is room. */
export function legend(names: readonly string[], { left, right }: Box, y: number): string {
  let [x, row] = [left, 0];
  const parts = names.map((name) => {
    const width = 34 + name.length * 5.8;
    if (x + width - 10 > right) [x, row] = [left, row + 1];
    const at = y + row * legendRow;
    const line = { x1: x, y1: at - 4, x2: x + 16, y2: at - 4, class: `line ${name}` };
    const part = element("line", line) + label(name, x + 20, at);
    x += width;
    return part;
  });
  return element("g", { class: "legend" }, ...parts);
}

const legendRow = 14;
