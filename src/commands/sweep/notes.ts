import { formatRate } from "../../base/units.ts";
import type { MaxLoad } from "../../sweep/findMax.ts";

/** For each line, the highest load and what the next one failed by. */
export function maxNotes(found: readonly MaxLoad[]): string[] {
  return found.map(({ run, pps, limit }) => {
    const place = `${run.file}:${run.line}`;
    if (pps === undefined) return `${place}: no load holds: ${limit}`;
    const above = limit === undefined ? "the highest rate asked for" : `above: ${limit}`;
    return `${place}: ${formatRate(pps)} at most; ${above}`;
  });
}
