import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  bucketLower,
  bucketOf,
  bucketUpper,
  Histogram,
  histogramBuckets,
  nearestRank,
} from "../../../src/stats/histogram.ts";
import { quantileSorted, sorted, summaryOfHistogram } from "../../../src/stats/summary.ts";

/** The kernel programs' own integer arithmetic, in BigInt. */
function bucketInKernel(value: bigint): number {
  if (value >= 1n << 40n) return bucketInKernel((1n << 40n) - 1n);
  if (value < 16n) return Number(value);
  const m = BigInt(value.toString(2).length - 1);
  return Number((m - 3n) * 16n + ((value >> (m - 4n)) & 15n));
}

const nanoseconds = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 2 ** 31 }),
  fc.maxSafeInteger().map(Math.abs),
  fc.integer({ min: 0, max: 45 }).map((power) => 2 ** power),
  fc.integer({ min: 0, max: 45 }).map((power) => 2 ** power - 1),
);

describe("buckets", () => {
  test("have the kernel's numbers", () => {
    expect(histogramBuckets).toBe(592);
    expect(bucketOf(2 ** 40 - 1)).toBe(591);
    expect([0, 15, 16, 31, 32, 33, 34].map(bucketOf)).toEqual([0, 15, 16, 31, 32, 32, 33]);
    fc.assert(fc.property(nanoseconds, (v) => bucketOf(v) === bucketInKernel(BigInt(v))));
  });

  test("contain their values and are at most 1/16 wide", () => {
    fc.assert(
      fc.property(nanoseconds, (value) => {
        const bucket = bucketOf(value);
        expect(bucketLower(bucket)).toBeLessThanOrEqual(value);
        expect(bucketUpper(bucket)).toBeGreaterThan(value);
      }),
    );
    for (let bucket = 16; bucket < histogramBuckets - 1; bucket++) {
      const width = bucketUpper(bucket) - bucketLower(bucket);
      expect(width / bucketLower(bucket)).toBeLessThanOrEqual(1 / 16);
      expect(bucketOf(bucketLower(bucket))).toBe(bucket);
      expect(bucketOf(bucketUpper(bucket) - 1)).toBe(bucket);
    }
  });

  test("count fractions as their floor and negative values as 0", () => {
    expect(bucketOf(3.9)).toBe(3);
    expect(bucketOf(-5)).toBe(0);
    expect(bucketOf(Number.POSITIVE_INFINITY)).toBe(591);
  });
});

describe("histogram", () => {
  const samples = fc.array(fc.integer({ min: 0, max: 2 ** 39 }), { minLength: 1, maxLength: 300 });

  test("bounds contain every exact quantile", () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const histogram = new Histogram();
        histogram.addAll(values);
        const exact = quantileSorted(sorted(values), q);
        const { value, lower, upper } = histogram.quantile(q);
        expect(lower).toBeLessThanOrEqual(exact);
        expect(upper).toBeGreaterThanOrEqual(exact);
        expect(value).toBeGreaterThanOrEqual(lower);
        expect(value).toBeLessThanOrEqual(upper);
      }),
    );
  });

  test("mean bounds contain the exact mean", () => {
    fc.assert(
      fc.property(samples, (values) => {
        const histogram = new Histogram();
        histogram.addAll(values);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const bounds = histogram.mean();
        expect(bounds.lower).toBeLessThanOrEqual(mean * (1 + 1e-12));
        expect(bounds.upper).toBeGreaterThanOrEqual(mean * (1 - 1e-12));
      }),
    );
  });

  test("merging is the same as filling one", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const merged = new Histogram();
        const other = new Histogram();
        const whole = new Histogram();
        merged.addAll(a);
        other.addAll(b);
        merged.merge(BigUint64Array.from(other.counts, BigInt));
        whole.addAll([...a, ...b]);
        expect(merged.counts).toEqual(whole.counts);
        expect(merged.since(other).count).toBe(a.length);
      }),
    );
  });

  test("refuses counts of another layout", () => {
    expect(() => new Histogram().merge([1, 2, 3])).toThrow("592");
  });

  test("says how many values a deadline holds", () => {
    const histogram = new Histogram();
    histogram.addAll([5, 10, 1000, 2000]);
    expect(histogram.atMost(10)).toEqual({ least: 2, most: 2 });
    expect(histogram.atMost(1000)).toEqual({ least: 2, most: 3 });
  });

  test("is empty without a value", () => {
    expect(new Histogram().quantile(0.5).value).toBeNaN();
    expect(new Histogram().max()).toBe(0);
    expect(summaryOfHistogram(new Histogram()).count).toBe(0);
  });

  test("summary takes what was counted exactly", () => {
    const values = [4000, 5000, 6000, 90_000];
    const histogram = new Histogram();
    histogram.addAll(values);
    const sumSquares = values.reduce((sum, value) => sum + value * value, 0);
    const exact = { sumNs: 105_000, sumSquares, minNs: 4000, maxNs: 90_000 };
    const summary = summaryOfHistogram(histogram, exact);
    expect(summary).toMatchObject({ count: 4, mean_ns: 26_250, min_ns: 4000, max_ns: 90_000 });
    expect(summary.sd_ns).toBeCloseTo(42_507.842, 3);
    expect(Math.abs(summary.p50_ns - 5000)).toBeLessThan(5000 / 16);
    expect(summary.p999_ns).toBeLessThanOrEqual(90_000);
  });
});

test("nearest rank does not slip on a float's last bit", () => {
  expect(nearestRank(0.99, 50_000)).toBe(49_500);
  expect(nearestRank(0.07, 100)).toBe(7);
  expect(0.07 * 100).toBeGreaterThan(7);
  expect(nearestRank(0, 10)).toBe(1);
  expect(nearestRank(1, 10)).toBe(10);
  expect(nearestRank(0.5, 3)).toBe(2);
});
