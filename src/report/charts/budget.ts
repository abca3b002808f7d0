import { formatNs } from "../../base/units.ts";
import type { CombinationReport } from "../combination.ts";
import { element, label } from "../svg/element.ts";
import { type Box, legend, picture, xAxis } from "../svg/frame.ts";
import { linearScale, type Scale } from "../svg/scale.ts";
import { axisNs, rowLabel, type Titled } from "./title.ts";

const width = 720;
const rowHeight = 24;
const [left, right, top] = [190, 650, 40];

/** A stage of a packet's way; means add up where medians do not. */
interface Stage {
  readonly name: string;
  readonly meanNs: number;
}

/**
 * Where the mean time goes: a bar per combination, `ingress` (nic to rx), `queue`, `service` and
 * `egress` one after the other. Of runs without spans, the VNF's own time and the rest of the sojourn.
 */
export function budgetChart(combinations: readonly Titled[]): string | undefined {
  const rows = combinations
    .map(({ combination, ...names }) => ({ ...names, stages: stagesOf(combination) }))
    .filter(({ stages }) => stages.length > 0);
  if (rows.length === 0) return undefined;
  const longest = Math.max(...rows.map(({ stages }) => sum(stages)));
  const scale = linearScale([0, longest], [left, right], 7);
  const names = [...new Set(rows.flatMap(({ stages }) => stages.map(({ name }) => name)))];
  const bottom = top + rows.length * rowHeight;
  const box: Box = { left, top, right, bottom };
  return picture(
    width,
    bottom + 40,
    "Mean time per stage",
    legend(names, box, 18),
    element(
      "g",
      { class: "axes" },
      xAxis(box, { scale, format: axisNs, title: "mean time per packet" }),
    ),
    ...rows.map(({ title, detail, stages }, at) => {
      const y = top + at * rowHeight;
      return rowLabel(title, detail, left - 8, y + rowHeight / 2) + bar(stages, y, scale);
    }),
  );
}

function stagesOf({ quantities }: CombinationReport): Stage[] {
  const mean = (name: keyof typeof quantities) => quantities[name]?.summary.mean_ns;
  const [truth, sojourn, service, queue] = [
    mean("truth"),
    mean("sojourn"),
    mean("service"),
    mean("queue"),
  ];
  if (service === undefined || queue === undefined) {
    if (sojourn === undefined) return [];
    if (truth === undefined || truth > sojourn) return [{ name: "sojourn", meanNs: sojourn }];
    return [
      { name: "truth", meanNs: truth },
      { name: "rest", meanNs: sojourn - truth },
    ];
  }
  const [egress, total] = [mean("egress"), mean("total")];
  const stages = [
    { name: "queue", meanNs: queue },
    { name: "service", meanNs: service },
  ];
  if (egress !== undefined) stages.push({ name: "egress", meanNs: egress });
  const ingress = total !== undefined ? total - sum(stages) : 0;
  return ingress > 0 && egress !== undefined
    ? [{ name: "ingress", meanNs: ingress }, ...stages]
    : stages;
}

function sum(stages: readonly Stage[]): number {
  return stages.reduce((all, { meanNs }) => all + meanNs, 0);
}

function bar(stages: readonly Stage[], y: number, scale: Scale): string {
  let from = 0;
  const parts = stages.map(({ name, meanNs }) => {
    const x = scale.at(from);
    from += meanNs;
    const attributes = { x, y: y + 4, width: scale.at(from) - x, height: rowHeight - 8 };
    const tip = element("title", {}, `${name} ${formatNs(meanNs)}`);
    return element("rect", { ...attributes, class: `area ${name}` }, tip);
  });
  return [...parts, label(formatNs(from), scale.at(from) + 6, y + rowHeight / 2 + 4)].join("");
}
