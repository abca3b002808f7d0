import { KomonError } from "../base/errors.ts";
import type { RowProblem } from "../results/lines.ts";

/** Takes what is wrong in a file. */
export type OnProblem = (problem: RowProblem) => void;

/** Undefined when there is no such file, or it cannot be read, which is a problem then. */
export function attempt<Result>(
  file: string | undefined,
  read: (file: string) => Result,
  onProblem: OnProblem,
): Result | undefined {
  if (file === undefined) return undefined;
  try {
    return read(file);
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    onProblem({ file, line: 0, what: error.why ?? error.what });
    return undefined;
  }
}
