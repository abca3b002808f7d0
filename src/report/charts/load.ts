import { laws } from "../../model/laws.ts";
import { microsecondsText, resultName } from "../../results/names.ts";
import type { CombinationReport } from "../combination.ts";
import { shortRate } from "../place.ts";
import type { QuantityName } from "../quantity.ts";
import { element, label } from "../svg/element.ts";
import { type Box, frame, legend, picture, polyline } from "../svg/frame.ts";
import { logScale } from "../svg/scale.ts";
import { axisNs } from "./title.ts";

const width = 720;
const height = 330;
const box: Box = { left: 66, top: 46, right: 695, bottom: 284 };
const shown = ["truth", "service", "queue", "sojourn"] as const;

/** A chart is over the load, however much was sampled at each. */
const anySampling = { intervals: 0, packets: 0, sleepNs: 0, rep: 0 };

/** Median (solid) and 99th percentile (dotted) over the load: one chart per delay and law. */
export function loadCharts(combinations: readonly CombinationReport[]): string[] {
  const groups = Map.groupBy(combinations, ({ folder, params }) => {
    return `${folder}/${resultName("KERNEL", { ...params, ...anySampling, pps: 0 })}`;
  });
  return [...groups.values()].filter((group) => group.length > 1).map(loadChart);
}

function loadChart(group: readonly CombinationReport[]): string {
  const ascending = group.toSorted((a, b) => a.params.pps - b.params.pps);
  const names = shown.filter((name) => ascending.some(({ quantities }) => quantities[name]));
  const rates = ascending.map(({ params }) => params.pps);
  const x = logScale([rates[0], rates[rates.length - 1]], [box.left + 8, box.right - 8]);
  const times = names.flatMap((name) => [
    ...series(ascending, name, "p50_ns").map(([, ns]) => ns),
    ...series(ascending, name, "p99_ns").map(([, ns]) => ns),
  ]);
  const positive = times.filter((ns) => ns > 0);
  const y = logScale(
    [Math.min(...positive) * 0.9, Math.max(...positive) * 1.1],
    [box.bottom, box.top],
  );
  const { delayNs, law } = ascending[0].params;
  const title = `${microsecondsText(delayNs)} µs · ${laws[law].name}`;
  const line = (name: QuantityName, statistic: "p50_ns" | "p99_ns") => {
    const points = series(ascending, name, statistic).map(
      ([pps, ns]) => [x.at(pps), y.at(ns)] as const,
    );
    const style = statistic === "p99_ns" ? "tail" : "";
    return element("path", { d: polyline(points), class: `line ${name} ${style}`.trim() });
  };
  return picture(
    width,
    height,
    `Times over the load at ${title}`,
    label(title, box.left, 14, { class: "heading" }),
    legend(names, box, 32),
    frame(
      box,
      { scale: x, format: shortRate, title: "packets per second" },
      { scale: y, format: axisNs },
    ),
    ...names.flatMap((name) => [line(name, "p50_ns"), line(name, "p99_ns")]),
  );
}

function series(
  group: readonly CombinationReport[],
  name: QuantityName,
  statistic: "p50_ns" | "p99_ns",
): (readonly [number, number])[] {
  return group.flatMap(({ params, quantities }) => {
    const quantity = quantities[name];
    return quantity ? [[params.pps, quantity.summary[statistic]] as const] : [];
  });
}
