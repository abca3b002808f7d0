import type { RowProblem } from "../results/lines.ts";
import { analyse } from "./analysis.ts";
import type { CombinationReport } from "./combination.ts";
import { findResults } from "./folders.ts";

/** What `komon report` found in its folders. */
export interface Report {
  readonly paths: readonly string[];
  readonly combinations: readonly CombinationReport[];
  /** What was wrong in the files: the rest is reported all the same. */
  readonly problems: readonly RowProblem[];
}

/** Reads and describes all results in these folders. *Fails when* there are none at all. */
export function readReport(paths: readonly string[]): Report {
  const problems: RowProblem[] = [];
  const onProblem = (problem: RowProblem) => problems.push(problem);
  const files = findResults(paths, onProblem);
  return { paths, problems, combinations: files.map((one) => analyse(one, onProblem)) };
}
