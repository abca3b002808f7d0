import { budgetChart } from "../charts/budget.ts";
import { differenceCharts } from "../charts/difference.ts";
import { ecdfChart } from "../charts/ecdf.ts";
import { errorCharts } from "../charts/error.ts";
import { medianCharts } from "../charts/load.ts";
import { type Titled, titled } from "../charts/title.ts";
import { chartNames, oneSvg } from "../charts.ts";
import type { Comparison, Pair } from "./compare.ts";

/** The charts of a comparison: those of a report with both sides in them, and the differences. */
export const againstChartNames = [...chartNames, "difference"] as const;
export type AgainstChart = (typeof againstChartNames)[number];

/** Four curves of either side are what an eye can tell apart. */
const overlaid = ["truth", "service", "queue", "sojourn"] as const;

/** The pictures of one kind; none where the results do not have what it shows. */
export function againstCharts({ pairs, differences }: Comparison, name: AgainstChart): string[] {
  switch (name) {
    case "difference":
      return differenceCharts(pairs, differences);
    case "ecdf":
      return withA(pairs)
        .filter(({ pair }) =>
          overlaid.some((one) => pair.every(({ quantities }) => quantities[one])),
        )
        .map(({ a, pair }) => ecdfChart(a, pair[1], overlaid));
    case "error":
      return errorCharts(bothTitled(pairs));
    case "budget":
      return [budgetChart(bothTitled(pairs)) ?? []].flat();
    case "load":
      return medianCharts(pairs);
  }
}

/** Each pair with A's title. */
function withA(pairs: readonly Pair[]): { readonly a: Titled; readonly pair: Pair }[] {
  return titled(pairs.map(([a]) => a)).map((a, at) => ({ a, pair: pairs[at] }));
}

function bothTitled(pairs: readonly Pair[]): Titled[] {
  return withA(pairs).flatMap(({ a, pair: [, b] }) => [
    { ...a, title: `${a.title} · A` },
    { title: "B", detail: "", combination: b },
  ]);
}

/** All pictures of one kind as one SVG file. *Fails when* there is nothing to draw. */
export function againstSvg(comparison: Comparison, name: AgainstChart): string {
  const reason = "no combination that is on both sides has what it shows";
  return oneSvg(name, againstCharts(comparison, name), reason);
}
