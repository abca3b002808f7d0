import { spanNames } from "../model/spans.ts";
import { readSpansLog } from "../results/spansFile.ts";
import { ecdfPoints } from "../stats/ecdf.ts";
import { errorSummary } from "../stats/error.ts";
import { attempt, type OnProblem } from "./attempt.ts";
import type { CombinationReport, SpanError } from "./combination.ts";
import type { CombinationFiles } from "./folders.ts";
import { Pool } from "./pool.ts";
import { curvePoints, describe, type Quantities } from "./quantity.ts";

/** SPANS_: the spans beside the sojourn, and the error of the same packets. */
export function analyseSpans(
  { repetitions, params }: CombinationFiles,
  quantities: Quantities,
  onProblem: OnProblem,
): CombinationReport["error"] {
  const expected = params.intervals * params.packets;
  const rows = repetitions.length * expected;
  const names = spanNames.filter((name) => name !== "sojourn");
  const pools = new Map(names.map((name) => [name, new Pool(rows)]));
  const errors = { service: new Pool(rows), sojourn: new Pool(rows) };
  let whole = true;
  for (const { files } of repetitions) {
    const log = attempt(files.SPANS, (file) => readSpansLog(file, expected, onProblem), onProblem);
    if (log === undefined && files.KERNEL !== undefined) whole = false;
    for (const [name, pool] of pools) pool.add(log?.ns[name], log?.length);
    if (log === undefined) continue;
    for (const name of ["service", "sojourn"] as const) {
      const values = log.ns[name].subarray(0, log.length);
      errors[name].add(
        values.map((value, row) => value - log.ns.truth[row]),
        log.length,
      );
    }
  }
  for (const [name, pool] of pools) {
    describe(quantities, name, pool.sorted(), pool.batches);
  }
  if (!whole) return undefined;
  const service = errorOf(errors.service.sorted());
  const sojourn = errorOf(errors.sojourn.sorted());
  return service || sojourn
    ? { ...(service && { service }), ...(sojourn && { sojourn }) }
    : undefined;
}

function errorOf(ascending: Float64Array): SpanError | undefined {
  if (ascending.length === 0) return undefined;
  return { summary: errorSummary(ascending), ecdf: ecdfPoints(ascending, curvePoints) };
}
