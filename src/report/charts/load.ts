import { laws } from "../../model/laws.ts";
import { microsecondsText, resultName } from "../../results/names.ts";
import { detailsOf } from "../apart.ts";
import type { CombinationReport } from "../combination.ts";
import { shortRate } from "../place.ts";
import type { QuantityName } from "../quantity.ts";
import { element } from "../svg/element.ts";
import { type Box, frame, legend, picture, polyline } from "../svg/frame.ts";
import { logScale } from "../svg/scale.ts";
import { axisNs, chartLabel } from "./title.ts";

const width = 720;
const height = 330;
const box: Box = { left: 66, top: 46, right: 695, bottom: 284 };
const shown = ["truth", "service", "queue", "sojourn"] as const;

/** A chart is over the load, however much was sampled at each. */
const anySampling = { intervals: 0, packets: 0, sleepNs: 0, rep: 0 };

/** Median (solid) and 99th percentile (dotted) over the load: one chart per delay and law. */
export function loadCharts(combinations: readonly CombinationReport[]): string[] {
  return byLoad(combinations, (one) => one).map(({ head, detail, group }) => {
    return loadChart(head, detail, [
      ...linesOf(group, "p50_ns", ""),
      ...linesOf(group, "p99_ns", " tail"),
    ]);
  });
}

/** The medians of either side over the load, A solid and B dotted. */
export function medianCharts(pairs: readonly (readonly CombinationReport[])[]): string[] {
  return byLoad(pairs, ([a]) => a).map(({ head, detail, group }) => {
    const side = (at: number) => group.map((pair) => pair[at]);
    return loadChart(head, detail, [
      ...linesOf(side(0), "p50_ns", ""),
      ...linesOf(side(1), "p50_ns", " tail"),
    ]);
  });
}

interface LoadGroup<One> {
  /** Of the first, with neither load nor sampling. */
  readonly head: CombinationReport;
  /** What tells it from another group of the same delay and law. */
  readonly detail: string;
  /** In order of load. */
  readonly group: readonly One[];
}

/** Groups of what differs in the load alone, where there are two loads or more. */
function byLoad<One>(all: readonly One[], of: (one: One) => CombinationReport): LoadGroup<One>[] {
  const groups = Map.groupBy(all, (one) => {
    const { folder, params } = of(one);
    return `${folder}/${resultName("KERNEL", { ...params, ...anySampling, pps: 0 })}`;
  });
  const rates = (group: readonly One[]) => new Set(group.map((one) => of(one).params.pps));
  const several = [...groups.values()].filter((group) => rates(group).size > 1);
  const heads = several.map(([first]) => {
    return { ...of(first), params: { ...of(first).params, ...anySampling, pps: 0 } };
  });
  const details = detailsOf(heads);
  return several.map((group, at) => ({
    head: heads[at],
    detail: details.get(heads[at]) ?? "",
    group: group.toSorted((a, b) => of(a).params.pps - of(b).params.pps),
  }));
}

interface Line {
  readonly name: QuantityName;
  readonly style: string;
  readonly points: readonly (readonly [pps: number, ns: number])[];
}

function linesOf(
  group: readonly CombinationReport[],
  statistic: "p50_ns" | "p99_ns",
  style: string,
): Line[] {
  return shown.flatMap((name) => {
    const points = group.flatMap(({ params, quantities }) => {
      const quantity = quantities[name];
      return quantity ? [[params.pps, quantity.summary[statistic]] as const] : [];
    });
    return points.length > 0 ? [{ name, style, points }] : [];
  });
}

function loadChart({ params }: CombinationReport, detail: string, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const rates = points.map(([pps]) => pps);
  const positive = points.map(([, ns]) => ns).filter((ns) => ns > 0);
  const across = [box.left + 8, box.right - 8] as const;
  const x = logScale([Math.min(...rates), Math.max(...rates)], across);
  const y = logScale(
    [Math.min(...positive) * 0.9, Math.max(...positive) * 1.1],
    [box.bottom, box.top],
  );
  const title = `${microsecondsText(params.delayNs)} µs · ${laws[params.law].name}`;
  return picture(
    width,
    height,
    `Times over the load at ${title}`,
    chartLabel(title, detail, box.left),
    legend([...new Set(lines.map(({ name }) => name))], box, 32),
    frame(
      box,
      { scale: x, format: shortRate, title: "packets per second" },
      { scale: y, format: axisNs },
    ),
    ...lines.map(({ name, style, points }) => {
      const d = polyline(points.map(([pps, ns]) => [x.at(pps), y.at(ns)] as const));
      return element("path", { d, class: `line ${name}${style}` });
    }),
  );
}
