import { counted } from "../base/units.ts";
import { type ChartName, charts } from "./charts.ts";
import {
  heading,
  list,
  manifestTable,
  page,
  pictures,
  problemList,
  soft,
  tableHtml,
} from "./page.ts";
import type { Report } from "./report.ts";
import { reportNotes, tablesOf } from "./text.ts";

const explanations: Readonly<Record<ChartName, readonly [title: string, text: string]>> = {
  ecdf: [
    "Distributions",
    "The share of packets that took at most so long. truth is what the VNF stamped itself; service is its counterpart seen from the kernel; sojourn is queue and service together.",
  ],
  error: [
    "Error per packet",
    "Measured minus truth on the same packet: a line from the 1st to the 99th percentile, a box for the middle half, a mark at the median.",
  ],
  load: ["Times over the load", "Median solid, 99th percentile dotted."],
  budget: [
    "Stage budget",
    "Mean time per stage; means add up where medians do not. ingress is from the device to UDP. Of runs without spans: truth, and the rest of the sojourn.",
  ],
};

/** The report as one page: the same bytes for the same results. */
export function reportHtml(report: Report): string {
  const order: readonly ChartName[] = ["error", "budget", "load", "ecdf"];
  const manifests = report.combinations.flatMap(({ runs }) => runs.map(({ manifest }) => manifest));
  return page(`komon: ${report.paths.join(", ")}`, [
    overview(report),
    ...tables(report),
    ...order.map((name) => pictures(...explanations[name], charts(report, name), name === "ecdf")),
    list("Notes", reportNotes(report)),
    problemList(report.problems),
    manifestTable(`Manifest of ${counted(manifests.length, "run")}`, [{ name: "", manifests }]),
  ]);
}

function overview({ combinations }: Report): string {
  const runs = combinations.reduce((all, { reps }) => all + reps.length, 0);
  const packets = combinations.reduce((all, { quantities }) => {
    return all + ((quantities.sojourn ?? quantities.truth)?.summary.count ?? 0);
  }, 0);
  const text = `${counted(combinations.length, "combination")}, ${counted(runs, "run")}, ${counted(packets, "sampled packet")}.`;
  return soft(text);
}

function tables({ combinations }: Report): string[] {
  const folders = Map.groupBy(combinations, ({ folder }) => folder);
  return [...folders].flatMap(([folder, inside]) => [
    heading(folder),
    ...tablesOf(inside).flatMap(({ legend, table }) => [soft(legend), tableHtml(table)]),
  ]);
}
