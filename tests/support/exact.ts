/** The probe's account against what the VNF itself saw. */
import { expect } from "bun:test";
import type { SpanRecords } from "../../src/model/records.ts";
import type { CoverageDetail } from "../../src/probes/vnf/coverage.ts";
import type { Seen } from "./wire.ts";

/** Every packet that came is accounted for. */
export function expectIdentity(c: CoverageDetail): void {
  expect(c.unaccounted).toBe(0);
  expect(c.matched + c.expired + c.collided + c.filtered + c.in_flight).toBe(c.seen);
  expect(c.delivered + c.lost).toBe(c.matched);
}

/**
 * Each record is that packet of the VNF's that it says, in order: its number, and times that lie within the VNF's own
 * calls. The identity holds, and nothing was lost. `before`: packets that passed before anything was sampled.
 */
export function expectExact(
  { vnf, putNs, records, coverage }: Passed,
  packets: number,
  before = 0,
): void {
  expectIdentity(coverage);
  expect(coverage).toMatchObject({ lost: 0, matched: before + packets, unmatched_sends: 0 });
  expect(records.length).toBe(packets);
  expect(vnf.length).toBe(packets);
  expect(wrongRecords(vnf, putNs, records)).toEqual([]);
}

export interface Passed {
  readonly vnf: readonly Seen[];
  /** When each of these packets was about to be put on the wire. */
  readonly putNs: ArrayLike<number>;
  readonly records: SpanRecords;
  readonly coverage: CoverageDetail;
}

/** Records that contradict the VNF's own account, row by row; at most ten. */
export function wrongRecords(
  vnf: readonly Seen[],
  putNs: ArrayLike<number>,
  records: SpanRecords,
): unknown[] {
  const wrong: unknown[] = [];
  for (let row = 0; row < vnf.length && wrong.length < 10; row++) {
    const own = vnf[row];
    const [seq, rx, read, send] = [
      records.seq[row],
      records.rxNs[row],
      records.readNs[row],
      records.sendNs[row],
    ];
    const right =
      seq === own.seq &&
      rx >= putNs[row] &&
      rx < own.gotNs &&
      read >= own.askedNs &&
      read <= own.gotNs &&
      send >= own.beginNs &&
      send <= own.sentNs;
    if (!right) wrong.push({ row, own, putNs: putNs[row], record: { seq, rx, read, send } });
  }
  return wrong;
}
