import { describe, expect, test } from "bun:test";
import { socketAddress } from "../../../src/kernel/address.ts";
import type { LoadOptions } from "../../../src/load/load.ts";
import type { LoadCounters } from "../../../src/load/messages.ts";
import { loadReport, loadText } from "../../../src/load/report.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

const options: LoadOptions = {
  target: socketAddress("127.0.0.1", 9),
  ...{ pps: 1000, payloadBytes: 64, arrivals: "burst", burst: 10, identical: false },
  ...{ seed: 1, flows: 1 },
};

/** Packets that left within 9 µs; the next one's turn comes `nextDueNs` after the first's. */
function report(sent: number, nextDueNs: number, lastDueNs = 0) {
  const counters: LoadCounters = {
    ...{ sent, refused: 0, firstNs: 1e6, lastNs: 1e6 + lastDueNs + 9000, latestNs: 9000 },
    ...{ firstDueNs: 0, lastDueNs, nextDueNs, lateness: new Histogram().counts },
    errors: new Uint32Array(134),
  };
  return loadReport(options, counters);
}

describe("what a load did", () => {
  test("a part of one burst has no rate, and none to be wrong by", () => {
    const one = report(5, 0);
    expect([one.sent_pps, one.pacing.rate_error_percent]).toEqual([null, null]);
    expect(loadText(one)).toMatch(/^sent +—, 5 packets$/m);
    expect(loadText(one)).toMatch(/^rate error +—$/m);
    expect(JSON.parse(JSON.stringify(one))).toMatchObject({ sent_pps: null });
  });

  test("a whole burst stands for its time, and so do several", () => {
    expect(report(10, 1e7).sent_pps).toBeCloseTo(999.1, 1);
    expect(report(20, 2e7, 1e7).sent_pps).toBeCloseTo(999.55, 2);
    expect(report(20, 2e7, 1e7).pacing.rate_error_percent).toBeCloseTo(-0.045, 3);
  });

  test("one packet is one packet", () => {
    expect(loadText(report(1, 0))).toMatch(/, 1 packet$/m);
  });
});
