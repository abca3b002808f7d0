import { resultName } from "../results/names.ts";
import type { SweepRun } from "./runs.ts";

/** Runs that are alike but for these parameters, in the order of the first of each. */
export function groupRuns(
  runs: readonly SweepRun[],
  butFor: readonly ("rep" | "pps")[],
): Map<string, [SweepRun, ...SweepRun[]]> {
  const groups = new Map<string, [SweepRun, ...SweepRun[]]>();
  for (const run of runs) {
    const zeros = Object.fromEntries(butFor.map((name) => [name, 0]));
    const key = `${run.folder}/${resultName("KERNEL", { ...run.params, ...zeros })}`;
    const group = groups.get(key);
    if (group) group.push(run);
    else groups.set(key, [run]);
  }
  return groups;
}
