import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SpanRecords } from "../../../src/model/records.ts";
import { joinTruth } from "../../../src/results/join.ts";
import { truthRows } from "../../../src/results/truth.ts";
import { spanErrors, truthColumn } from "../../../src/results/truthError.ts";
import { errorSummary } from "../../../src/stats/error.ts";
import { chosen, traffic } from "./traffic.ts";

const share = fc.double({ min: 0, max: 0.4, noNaN: true });

describe("joining records with the truth", () => {
  test("finds every packet's own row: drops, reordering, workers, identical payloads", () => {
    const options = fc.record({
      packets: fc.integer({ min: 1, max: 120 }),
      threads: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
      drop: share,
      reorder: share,
      identical: fc.boolean(),
    });
    fc.assert(
      fc.property(options, (option) => {
        const { records, truth, rowOf } = traffic(option);
        const join = joinTruth(records, truth);
        expect([...join.truthOf]).toEqual(rowOf);
        expect(join.pairs).toBe(records.length);
        expect(join.verified).toBe(option.identical ? 0 : records.length);
        expect(join.unmatchedTruth).toBe(truth.length - records.length);
        expect([join.wrongPairs, join.unmatchedRecords]).toEqual([0, 0]);
      }),
    );
  });

  test("of sampled records, in any order", () => {
    fc.assert(
      fc.property(fc.nat(), share, (seed, part) => {
        const all = traffic({ packets: 100, threads: 2, seed, reorder: 0.1 });
        const { records, truth, rowOf } = chosen(
          all,
          (record) => (record * 7) % 10 < part * 25,
          seed,
        );
        const join = joinTruth(records, truth);
        expect([...join.truthOf]).toEqual(rowOf);
        expect(join.wrongPairs).toBe(0);
      }),
    );
  });

  test("counts records that the VNF has no row for", () => {
    const { records, truth } = traffic({ packets: 23 });
    const shorter = { ...truth, length: 20 };
    const join = joinTruth(records, shorter);
    expect(join).toMatchObject({
      pairs: 20,
      unmatchedRecords: 3,
      unmatchedTruth: 0,
      wrongPairs: 0,
    });
    const elsewhere = { ...truth, tid: truth.tid.map(() => 999) };
    expect(joinTruth(records, elsewhere)).toMatchObject({ pairs: 0, unmatchedRecords: 23 });
  });

  test("a record of a row that is missing in the middle stays alone", () => {
    const { records, truth } = traffic({ packets: 10 });
    for (const column of [truth.seq, truth.recvNs, truth.sendNs, truth.tid])
      column.copyWithin(4, 5);
    const join = joinTruth(records, { ...truth, length: 9 });
    expect(join.truthOf[4]).toBe(-1);
    expect(join).toMatchObject({ pairs: 9, unmatchedRecords: 1, wrongPairs: 0 });
  });

  test("one call that receives several packets: they pair in order", () => {
    const head = { pid: 1, workers: 1, seed: 0n, delayNs: 0, law: 0, port: 1 };
    const truth = truthRows(head, 3);
    const records = new SpanRecords();
    for (let packet = 0; packet < 3; packet++) {
      records.append(0, 0, 1000 + packet, 2001 + 100 * packet, 0, 5, 0, 0, 0, packet, 0, 0);
      truth.tid[packet] = 5;
      truth.seq[packet] = packet;
      truth.recvNs[packet] = 1500;
      truth.sendNs[packet] = 2000 + 100 * packet;
    }
    expect(joinTruth(records, truth)).toMatchObject({ pairs: 3, wrongPairs: 0 });
  });

  test("detects a pair of two different packets by its number", () => {
    const { records, truth } = traffic({ packets: 23 });
    records.seq[7] = 4711;
    const join = joinTruth(records, truth);
    expect(join).toMatchObject({ pairs: 22, wrongPairs: 1 });
    expect(join.truthOf[7]).toBe(-1);
  });

  test("detects sends shifted by one even where payloads are identical", () => {
    const { records, truth } = traffic({ packets: 23, identical: true });
    records.sendNs.copyWithin(0, 1, 23);
    expect(joinTruth(records, truth)).toMatchObject({ pairs: 1, wrongPairs: 22 });
    const other = traffic({ packets: 23, identical: true });
    other.records.sendNs.copyWithin(1, 0, 22);
    expect(joinTruth(other.records, other.truth)).toMatchObject({ pairs: 1, wrongPairs: 22 });
  });

  test("a packet that the VNF never sent cannot have been seen sent", () => {
    const { records, truth } = traffic({ packets: 5 });
    truth.sendNs[2] = 0;
    expect(joinTruth(records, truth)).toMatchObject({ pairs: 4, wrongPairs: 1 });
  });

  test("errors are measured minus truth on the same packet", () => {
    const { records, truth, rowOf } = traffic({ packets: 50, drop: 0.2, reorder: 0.2 });
    const truthNs = truthColumn(records, truth, joinTruth(records, truth));
    const errors = spanErrors(records, "service", truthNs);
    const expected = rowOf.map((row, record) => {
      const early = truth.recvNs[row] - records.readNs[record];
      return early + records.sendNs[record] - truth.sendNs[row];
    });
    expect([...errors]).toEqual(expected);
    expect(errorSummary(errors).pairs).toBe(records.length);
    expect(spanErrors(records, "sojourn", truthNs)).toHaveLength(0);
    expect(spanErrors(records, "service", truthNs, (record) => record < 5)).toHaveLength(5);
  });

  test("nothing on either side", () => {
    const { truth } = traffic({ packets: 3 });
    const none = { pairs: 0, unmatchedRecords: 0, wrongPairs: 0 };
    expect(joinTruth(new SpanRecords(), truth)).toMatchObject({ ...none, unmatchedTruth: 3 });
    const empty = truthRows(truth.head, 0);
    expect(joinTruth(new SpanRecords(), empty)).toMatchObject({ ...none, unmatchedTruth: 0 });
  });
});
