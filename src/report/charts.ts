import { usageError } from "../base/errors.ts";
import { budgetChart } from "./charts/budget.ts";
import { ecdfChart } from "./charts/ecdf.ts";
import { errorCharts } from "./charts/error.ts";
import { loadCharts } from "./charts/load.ts";
import { titled } from "./charts/title.ts";
import type { Report } from "./report.ts";
import { chartStyle } from "./style.ts";
import { element } from "./svg/element.ts";

/** The charts of a report: distributions, errors per packet, times over the load, stage budget. */
export const chartNames = ["ecdf", "error", "load", "budget"] as const;
export type ChartName = (typeof chartNames)[number];

/** The pictures of one kind; none where the results do not have what it shows. */
export function charts({ combinations }: Report, name: ChartName): string[] {
  switch (name) {
    case "ecdf":
      return titled(combinations)
        .filter(({ combination }) => Object.keys(combination.quantities).length > 0)
        .map((one) => ecdfChart(one));
    case "error":
      return errorCharts(titled(combinations));
    case "load":
      return loadCharts(combinations);
    case "budget":
      return [budgetChart(titled(combinations)) ?? []].flat();
  }
}

const reasons: Readonly<Record<ChartName, string>> = {
  ecdf: "no file has a row",
  error: "no combination has SPANS_ files, without which rows are not known to be the same packets",
  load: "no delay and law was measured at two rates or more",
  budget: "no combination has KERNEL_ files",
};

const columns = 3;

/** All pictures of one kind as one SVG file. *Fails when* there is nothing to draw. */
export function chartSvg(report: Report, name: ChartName): string {
  return oneSvg(name, charts(report, name), reasons[name]);
}

/** Pictures as one SVG file, those of distributions several in a row. *Fails when* there are none, with the reason. */
export function oneSvg(name: string, pictures: readonly string[], reason: string): string {
  if (pictures.length === 0)
    throw usageError(`nothing to draw for --chart ${name}`, undefined, reason);
  const sizes = pictures.map((one) => {
    const size = /width="(\d+)" height="(\d+)"/.exec(one);
    return { width: Number(size?.[1]), height: Number(size?.[2]) };
  });
  const across = name === "ecdf" ? Math.min(columns, pictures.length) : 1;
  const wide = Math.max(...sizes.map(({ width }) => width));
  let [y, rowHeight] = [0, 0];
  const placed = pictures.map((one, at) => {
    const x = (at % across) * wide;
    if (at > 0 && at % across === 0) [y, rowHeight] = [y + rowHeight, 0];
    rowHeight = Math.max(rowHeight, sizes[at].height);
    return one.replace("<svg", `<svg x="${x}" y="${y}"`);
  });
  const [width, height] = [wide * across, y + rowHeight];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
  };
  const background = element("rect", { width, height, fill: "var(--paper)" });
  const style = `<style>\n${chartStyle}\n</style>`;
  return `${element("svg", attributes, style, background, ...placed)}\n`;
}
