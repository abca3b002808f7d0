import { spanNames } from "../model/spans.ts";
import { readSpansLog } from "../results/spansFile.ts";
import { errorSummary } from "../stats/error.ts";
import { attempt, type OnProblem } from "./attempt.ts";
import { type CombinationReport, errorNames, type SpanError } from "./combination.ts";
import type { CombinationFiles } from "./folders.ts";
import { Pool } from "./pool.ts";
import { describe, type Quantities, sampleOf } from "./quantity.ts";

/**
 * SPANS_: the spans beside the sojourn, and the error of the same packets. `offsets`: the calibrated offset of
 * each repetition's run; only where all have one is there a corrected error.
 */
export function analyseSpans(
  { repetitions, params }: CombinationFiles,
  offsets: readonly (number | undefined)[],
  quantities: Quantities,
  onProblem: OnProblem,
): CombinationReport["error"] {
  const expected = params.intervals * params.packets;
  const rows = repetitions.length * expected;
  const names = spanNames.filter((name) => name !== "sojourn");
  const pools = new Map(names.map((name) => [name, new Pool(rows)]));
  const calibrated = offsets.every((offset) => offset !== undefined);
  const wanted = errorNames.filter((name) => name !== "corrected" || calibrated);
  const errors = wanted.map((name) => [name, new Pool(rows)] as const);
  let whole = true;
  for (const [at, { files }] of repetitions.entries()) {
    const log = attempt(files.SPANS, (file) => readSpansLog(file, expected, onProblem), onProblem);
    if (log === undefined && files.KERNEL !== undefined) whole = false;
    for (const [name, pool] of pools) pool.add(log?.ns[name], log?.length);
    if (log === undefined) continue;
    for (const [name, pool] of errors) {
      const offset = name === "corrected" ? (offsets[at] ?? 0) : 0;
      const values = log.ns[name === "corrected" ? "service" : name].subarray(0, log.length);
      pool.add(
        values.map((value, row) => value - offset - log.ns.truth[row]),
        log.length,
      );
    }
  }
  for (const [name, pool] of pools) {
    describe(quantities, name, pool.sorted(), pool.batches);
  }
  if (!whole) return undefined;
  const found = errors.flatMap(([name, pool]) => {
    const error = errorOf(pool);
    return error ? [[name, error] as const] : [];
  });
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

function errorOf(pool: Pool): SpanError | undefined {
  const ascending = pool.sorted();
  if (ascending.length === 0) return undefined;
  return { summary: errorSummary(ascending), ...sampleOf(ascending, pool.batches) };
}
