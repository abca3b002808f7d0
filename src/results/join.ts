import { noSeq, type SpanRecords } from "../model/records.ts";
import type { TruthRows } from "../model/vnfRecord.ts";

/** Which truth row belongs to which kernel record. */
export interface Join {
  /** Per record: its row of the truth, or -1. */
  readonly truthOf: Int32Array;
  readonly pairs: number;
  /** Pairs whose sequence numbers were compared (both sides carried one). */
  readonly verified: number;
  /** Records for which the VNF has no row. */
  readonly unmatchedRecords: number;
  /** Rows of the VNF without a record: packets that were not sampled, or never seen. */
  readonly unmatchedTruth: number;
  /**
   * Records whose row contradicts them: another sequence number, or stamps that cannot be of one
   * packet. They count as pairs nowhere. More than zero means that the matching is broken.
   */
  readonly wrongPairs: number;
}

/**
 * Pairs kernel records with the VNF's own rows, by thread and time alone: on one thread the packet
 * that is read next is the packet whose receive call returns next, so a record's row is the first
 * one stamped at or after its `readNs`. The sequence numbers take no part in the pairing, and
 * therefore check it; the send stamps check it too, also where payloads are identical.
 *
 * Both sides need only be in order of time per thread roughly: they are sorted where they are not.
 */
export function joinTruth(records: SpanRecords, truth: TruthRows): Join {
  const order = byThreadAndTime(records.tid, records.readNs, records.length);
  const rows = byThreadAndTime(truth.tid, truth.recvNs, truth.length);
  const truthOf = new Int32Array(records.length).fill(-1);
  walk(records, order, truth, rows, truthOf);
  return verify(records, truth, nextSends(truth), truthOf);
}

/**
 * Merges the reads and the receipts of each thread. A run of reads followed by a run of receipts is
 * one record and its row; several reads before one receipt mean that rows are missing (the last read
 * is the one that fits), or one call that received several packets (then they pair in order).
 */
function walk(
  records: SpanRecords,
  order: Uint32Array,
  truth: TruthRows,
  rows: Uint32Array,
  truthOf: Int32Array,
): void {
  let i = 0;
  let j = 0;
  while (i < order.length && j < rows.length) {
    const tid = records.tid[order[i]];
    const threadOfRow = truth.tid[rows[j]];
    if (tid !== threadOfRow) {
      if (tid < threadOfRow) i++;
      else j++;
      continue;
    }
    const reads = runBelow(records.tid, records.readNs, order, i, tid, truth.recvNs[rows[j]], true);
    if (reads === i) {
      j++;
      continue;
    }
    const next = reads < order.length && records.tid[order[reads]] === tid;
    const limit = next ? records.readNs[order[reads]] : Number.POSITIVE_INFINITY;
    const receipts = runBelow(truth.tid, truth.recvNs, rows, j, tid, limit, false);
    for (let at = Math.max(i, reads - (receipts - j)); at < reads; at++) {
      truthOf[order[at]] = rows[j++];
    }
    i = reads;
    j = receipts;
  }
}

/** Where the run of this thread's times below `limit` (or at it) ends. */
function runBelow(
  tid: Uint32Array,
  timeNs: Float64Array,
  order: Uint32Array,
  from: number,
  thread: number,
  limit: number,
  inclusive: boolean,
): number {
  let at = from;
  while (at < order.length && tid[order[at]] === thread) {
    const time = timeNs[order[at]];
    if (inclusive ? time > limit : time >= limit) break;
    at++;
  }
  return at;
}

function verify(
  records: SpanRecords,
  truth: TruthRows,
  nextSendNs: Float64Array,
  truthOf: Int32Array,
): Join {
  let pairs = 0;
  let verified = 0;
  let wrongPairs = 0;
  let unmatchedRecords = 0;
  for (let record = 0; record < records.length; record++) {
    const row = truthOf[record];
    if (row < 0) {
      unmatchedRecords++;
      continue;
    }
    const numbered = records.seq[record] !== noSeq && truth.seq[row] !== noSeq;
    const sameSeq = !numbered || records.seq[record] === truth.seq[row];
    if (!sameSeq || !sendFits(records.sendNs[record], truth.sendNs[row], nextSendNs[row])) {
      wrongPairs++;
      truthOf[record] = -1;
      continue;
    }
    pairs++;
    if (numbered) verified++;
  }
  const unmatchedTruth = truth.length - pairs - wrongPairs;
  return { truthOf, pairs, verified, unmatchedRecords, unmatchedTruth, wrongPairs };
}

/** The kernel sees a send call begin after the VNF's stamp for it and before the stamp of the next. */
function sendFits(seenNs: number, stampNs: number, nextStampNs: number): boolean {
  if (seenNs === 0) return true;
  return stampNs > 0 && stampNs <= seenNs && seenNs < nextStampNs;
}

/** Per row: when its thread stamped the next send after this row's own; Infinity after the last. */
function nextSends(truth: TruthRows): Float64Array {
  const order = byThreadAndTime(truth.tid, truth.sendNs, truth.length);
  const next = new Float64Array(truth.length).fill(Number.POSITIVE_INFINITY);
  let laterNs = Number.POSITIVE_INFINITY;
  for (let at = order.length - 1; at >= 0; at--) {
    const row = order[at];
    const following = order[at + 1];
    if (following === undefined || truth.tid[following] !== truth.tid[row]) {
      laterNs = Number.POSITIVE_INFINITY;
    } else if (truth.sendNs[following] > truth.sendNs[row]) {
      laterNs = truth.sendNs[following];
    }
    next[row] = laterNs;
  }
  return next;
}

/** Row numbers in order of thread, then time; rows that are in order already are not sorted. */
function byThreadAndTime(tid: Uint32Array, timeNs: Float64Array, length: number): Uint32Array {
  const order = byThread(tid, length);
  for (let from = 0; from < length; ) {
    let to = from + 1;
    let ascending = true;
    while (to < length && tid[order[to]] === tid[order[from]]) {
      if (timeNs[order[to]] < timeNs[order[to - 1]]) ascending = false;
      to++;
    }
    if (!ascending) order.subarray(from, to).sort((a, b) => timeNs[a] - timeNs[b] || a - b);
    from = to;
  }
  return order;
}

/** Counting sort by thread: there are few threads and many rows. */
function byThread(tid: Uint32Array, length: number): Uint32Array {
  const counts = new Map<number, number>();
  for (let row = 0; row < length; row++) counts.set(tid[row], (counts.get(tid[row]) ?? 0) + 1);
  const starts = new Map<number, number>();
  let start = 0;
  for (const [thread, count] of [...counts].sort(([a], [b]) => a - b)) {
    starts.set(thread, start);
    start += count;
  }
  const order = new Uint32Array(length);
  for (let row = 0; row < length; row++) {
    const at = starts.get(tid[row])!;
    starts.set(tid[row], at + 1);
    order[at] = row;
  }
  return order;
}
