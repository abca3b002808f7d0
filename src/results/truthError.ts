import type { SpanRecords } from "../model/records.ts";
import { type Span, spans } from "../model/spans.ts";
import type { TruthRows } from "../model/vnfRecord.ts";
import type { Join } from "./join.ts";

/** The VNF's own service time of one of its rows in ns; NaN when the packet was never sent. */
function truthServiceNs(truth: TruthRows, row: number): number {
  return truth.sendNs[row] > 0 ? truth.sendNs[row] - truth.recvNs[row] : Number.NaN;
}

/** The true service time per record, in order of the records; NaN where there is none. */
export function truthColumn(records: SpanRecords, truth: TruthRows, join: Join): Float64Array {
  const column = new Float64Array(records.length);
  for (let record = 0; record < records.length; record++) {
    const row = join.truthOf[record];
    column[record] = row < 0 ? Number.NaN : truthServiceNs(truth, row);
  }
  return column;
}

/**
 * Measured - truth, for every record that has both: `truthNs` as of {@link truthColumn}.
 * `keep` chooses records, such as the sampled ones.
 */
export function spanErrors(
  records: SpanRecords,
  span: Span,
  truthNs: Float64Array,
  keep: (record: number) => boolean = () => true,
): Float64Array {
  const from = records[`${spans[span].from}Ns`];
  const to = records[`${spans[span].to}Ns`];
  const errors = new Float64Array(records.length);
  let count = 0;
  for (let record = 0; record < records.length; record++) {
    const known = from[record] > 0 && to[record] > 0 && !Number.isNaN(truthNs[record]);
    if (known && keep(record)) errors[count++] = to[record] - from[record] - truthNs[record];
  }
  return errors.subarray(0, count);
}
