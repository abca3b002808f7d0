import { expect, test } from "bun:test";
import { ipdvOf, jitterOf, jitterStep } from "../../src/stats/jitter.ts";

test("RFC 3550: the estimate moves by a sixteenth of each step", () => {
  expect(jitterOf([100, 100, 100])).toBe(0);
  expect(jitterOf([100, 116])).toBe(1);
  expect(jitterOf([100, 116, 100])).toBe(1 + (16 - 1) / 16);
  expect(jitterOf([5])).toBeNaN();
  expect(jitterStep(16, -32)).toBe(17);
});

test("RFC 3550: a constant step of D is what the estimate comes to", () => {
  const delays = Array.from({ length: 500 }, (_, n) => (n % 2) * 1000);
  expect(jitterOf(delays)).toBeCloseTo(1000, 6);
});

test("RFC 3393: only neighbours that both arrived make a pair", () => {
  expect(ipdvOf([10, 13, Number.NaN, 20, 18])).toEqual({ pairs: 2, meanNs: 2.5, maxNs: 3 });
  expect(ipdvOf([10, Number.NaN, 20])).toEqual({
    ...{ pairs: 0, meanNs: Number.NaN, maxNs: Number.NaN },
  });
});
