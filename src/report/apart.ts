/** What tells combinations apart that have rate, delay and law in common: nothing, mostly. */
import { printable } from "../base/printable.ts";
import type { Column, Row } from "../model/table.ts";
import { secondsText } from "../results/names.ts";
import type { CombinationReport } from "./combination.ts";

const traits = {
  folder: ({ folder }: CombinationReport) => printable(folder),
  size: ({ params }: CombinationReport) => `${params.sizeBytes} B`,
  /** Intervals and packets in each. */
  sampled: ({ params }: CombinationReport) => `${params.intervals}×${params.packets}`,
  sleep: ({ params }: CombinationReport) => `${secondsText(params.sleepNs)} s`,
} as const;
type Trait = keyof typeof traits;
const names = Object.keys(traits) as Trait[];

/** Per combination, the traits in which it differs from another of the same rate, delay and law. */
function apart(all: readonly CombinationReport[]): Map<CombinationReport, readonly Trait[]> {
  const alike = Map.groupBy(all, ({ params: { pps, delayNs, law } }) => `${pps} ${delayNs} ${law}`);
  return new Map(
    [...alike.values()].flatMap((group) => {
      const unlike = names.filter((name) => new Set(group.map(traits[name])).size > 1);
      return group.map((one) => [one, unlike] as const);
    }),
  );
}

/** For charts: what a combination's title has to say beyond rate, delay and law; mostly nothing. */
export function detailsOf(all: readonly CombinationReport[]): Map<CombinationReport, string> {
  return new Map(
    [...apart(all)].map(([one, unlike]) => [
      one,
      unlike.map((name) => traits[name](one)).join(" · "),
    ]),
  );
}

/** For tables: the columns without which two of these rows would look the same. */
export function apartColumns(all: readonly CombinationReport[]): Column[] {
  const unlike = new Set([...apart(all).values()].flat());
  return names
    .filter((name) => unlike.has(name))
    .map((key) => ({ key, unit: key === "folder" ? "text" : "number" }));
}

/** The cells of these columns. */
export function apartOf(one: CombinationReport): Row {
  return Object.fromEntries(names.map((name) => [name, traits[name](one)]));
}
