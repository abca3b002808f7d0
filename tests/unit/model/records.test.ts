import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { noSeq, SpanRecords, sequenceOf } from "../../../src/model/records.ts";
import { spanNames, spans } from "../../../src/model/spans.ts";

describe("records", () => {
  test("keep every column while growing", () => {
    const records = new SpanRecords(1);
    for (let n = 1; n <= 500; n++) {
      records.append(
        n,
        n + 1,
        n + 2,
        n + 3,
        n + 4,
        n + 5,
        n + 6,
        n + 7,
        n + 8,
        n + 9,
        n + 10,
        n + 11,
      );
    }
    expect(records.length).toBe(500);
    for (let row = 0; row < 500; row++) {
      const n = row + 1;
      const { nicNs, rxNs, readNs, sendNs, txNs, tid, digest, interval } = records;
      const times = [nicNs, rxNs, readNs, sendNs, txNs].map((column) => column[row]);
      expect(times).toEqual([n, n + 1, n + 2, n + 3, n + 4]);
      expect([tid[row], digest[row], interval[row]]).toEqual([n + 5, n + 6, n + 7]);
      const rest = [records.index, records.seq, records.flags, records.vnf];
      expect(rest.map((column) => column[row])).toEqual([n + 8, n + 9, n + 10, n + 11]);
    }
  });

  test("a span is there only when both of its points were seen", () => {
    const records = new SpanRecords();
    records.append(0, 100, 150, 400, 0, 1, 0, 0, 0, noSeq, 0, 0);
    records.append(50, 100, 0, 400, 900, 1, 0, 0, 0, noSeq, 0, 0);
    expect(records.span("service", 0)).toBe(250);
    expect(records.span("total", 0)).toBeNaN();
    expect([...records.values("sojourn")]).toEqual([300, 300]);
    expect([...records.values("service")]).toEqual([250]);
    expect([...records.values("total")]).toEqual([850]);
  });

  test("queue + service = sojourn to the nanosecond, also three weeks after boot", () => {
    const boot = fc.integer({ min: 1, max: 2 ** 51 });
    const wait = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(boot, wait, wait, (rx, queue, service) => {
        const records = new SpanRecords();
        records.append(0, rx, rx + queue, rx + queue + service, 0, 1, 0, 0, 0, noSeq, 0, 0);
        const sum = records.span("queue", 0) + records.span("service", 0);
        expect(sum).toBe(records.span("sojourn", 0));
        expect(records.span("service", 0)).toBe(service);
      }),
    );
  });

  test("cleared rows come back empty", () => {
    const records = new SpanRecords(2);
    records.append(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    records.clear();
    expect(records.length).toBe(0);
    const row = records.add();
    expect([records.rxNs[row], records.tid[row], records.seq[row]]).toEqual([0, 0, noSeq]);
  });
});

test("sequence numbers: small, beyond 32 bits, none", () => {
  expect(sequenceOf(23, 0)).toBe(23);
  expect(sequenceOf(-1, 0)).toBe(2 ** 32 - 1);
  expect(sequenceOf(1, 1)).toBe(2 ** 32 + 1);
  expect(sequenceOf(-1, -1)).toBe(noSeq);
  expect(sequenceOf(0, 0x20_0000)).toBe(noSeq);
});

test("spans run forward along the points", () => {
  expect(spanNames).toEqual(["service", "queue", "sojourn", "egress", "total"]);
  const order = ["nic", "rx", "read", "send", "tx"];
  for (const name of spanNames) {
    expect(order.indexOf(spans[name].from)).toBeLessThan(order.indexOf(spans[name].to));
  }
});
