import { counted } from "../../base/units.ts";
import { list, manifestTable, page, pictures, problemList, section, soft } from "../page.ts";
import type { Report } from "../report.ts";
import { reportNotes } from "../text.ts";
import { type AgainstChart, againstCharts } from "./charts.ts";
import type { Comparison } from "./compare.ts";
import { coverageTable, differenceTable } from "./tables.ts";
import { verdict } from "./text.ts";

const explanations: Readonly<Record<AgainstChart, readonly [title: string, text: string]>> = {
  difference: [
    "Differences",
    "A − B in percent of B, with the 95 % interval. A filled mark differs beyond the noise.",
  ],
  error: [
    "Error per packet",
    "Measured minus truth on the same packet: a line from the 1st to the 99th percentile, a box for the middle half, a mark at the median.",
  ],
  budget: ["Stage budget", "Mean time per stage; means add up where medians do not."],
  load: ["Medians over the load", "A solid, B dotted."],
  ecdf: ["Distributions", "The share of packets that took at most so long. A solid, B dotted."],
};

/** Two reports compared, as one page: the same bytes for the same results. */
export function againstHtml(a: Report, b: Report, comparison: Comparison): string {
  const order: readonly AgainstChart[] = ["difference", "error", "budget", "load", "ecdf"];
  const coverage = coverageTable(comparison.pairs);
  const manifests = ({ combinations }: Report) =>
    combinations.flatMap(({ runs }) => runs.map(({ manifest }) => manifest));
  const sides = [
    { name: "A", manifests: manifests(a) },
    { name: "B", manifests: manifests(b) },
  ];
  const runs = sides.reduce((all, one) => all + one.manifests.length, 0);
  return page("komon: A against B", [
    soft(`A: ${a.paths.join(", ")}`),
    soft(`B: ${b.paths.join(", ")}`),
    ...verdict(comparison).map(soft),
    section("What differs", differenceTable(comparison)),
    ...order.map((name) => {
      return pictures(...explanations[name], againstCharts(comparison, name), name === "ecdf");
    }),
    section("Coverage", coverage),
    section("All figures", differenceTable(comparison, comparison.differences)),
    list("Notes", [...new Set([...reportNotes(a), ...reportNotes(b)])]),
    problemList([...a.problems, ...b.problems]),
    manifestTable(`Manifest of ${counted(runs, "run")}`, sides),
  ]);
}
