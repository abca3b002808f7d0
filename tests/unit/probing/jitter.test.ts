import { expect, test } from "bun:test";
import { Tally } from "../../../src/probing/tally.ts";
import { jitterStep } from "../../../src/stats/jitter.ts";

/** The books of one host; NaN = a probe without an answer. */
function tallyOf(rttsNs: readonly number[]): Tally {
  const tally = new Tally(1);
  for (const [at, rttNs] of rttsNs.entries()) {
    if (!Number.isNaN(rttNs)) tally.answer(0, at + 1, rttNs, 64);
  }
  return tally;
}

test("RFC 3550: the estimate moves by a sixteenth of each step", () => {
  expect(tallyOf([100, 100, 100]).jitterNs[0]).toBe(0);
  expect(tallyOf([100, 116]).jitterNs[0]).toBe(1);
  expect(tallyOf([100, 116, 100]).jitterNs[0]).toBe(1 + (16 - 1) / 16);
  expect(jitterStep(16, -32)).toBe(17);
});

test("RFC 3550: a constant step of D is what the estimate comes to", () => {
  const rttsNs = Array.from({ length: 500 }, (_, n) => (n % 2) * 1000);
  expect(tallyOf(rttsNs).jitterNs[0]).toBeCloseTo(1000, 6);
});

test("RFC 3393: only neighbours that were both answered make a pair", () => {
  const tally = tallyOf([10, 13, Number.NaN, 20, 18]);
  expect(tally.ipdvPairs[0]).toBe(2);
  expect(tally.ipdvSumNs[0]).toBe(5);
  expect(tally.ipdvMaxNs[0]).toBe(3);
  expect(tallyOf([10, Number.NaN, 20]).ipdvPairs[0]).toBe(0);
});
