import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { batchInterval, batchMedianInterval, meanInterval } from "../../../src/stats/batch.ts";
import { bootstrapMedian, bootstrapQuantile } from "../../../src/stats/bootstrap.ts";
import { ecdf, ecdfPoints } from "../../../src/stats/ecdf.ts";
import { relativeHalfWidth } from "../../../src/stats/interval.ts";
import { ksTwoSample } from "../../../src/stats/ks.ts";
import { Random } from "../../../src/stats/random.ts";
import { median, sorted } from "../../../src/stats/summary.ts";

const few = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 40 });

describe("Kolmogorov-Smirnov", () => {
  test("distance is the greatest difference of the ECDFs at any value", () => {
    fc.assert(
      fc.property(few, few, (a, b) => {
        const [x, y] = [sorted(a), sorted(b)];
        const all = [...a, ...b].map((v) => Math.abs(ecdf(x, v) - ecdf(y, v)));
        expect(ksTwoSample(x, y).distance).toBeCloseTo(Math.max(...all), 12);
      }),
    );
  });

  test("equal samples and separate samples", () => {
    expect(ksTwoSample([1, 2, 3], [1, 2, 3])).toEqual({ distance: 0, p: 1 });
    const apart = ksTwoSample(
      range(100),
      range(100).map((v) => v + 1000),
    );
    expect(apart.distance).toBe(1);
    expect(apart.p).toBeLessThan(1e-20);
  });

  test("p is uniform enough under the null: 5 % of same-law samples fall below 0.05", () => {
    const random = new Random(7);
    let below = 0;
    for (let turn = 0; turn < 1000; turn++) {
      const a = Float64Array.from({ length: 60 }, () => random.next()).sort();
      const b = Float64Array.from({ length: 80 }, () => random.next()).sort();
      if (ksTwoSample(a, b).p < 0.05) below++;
    }
    expect(below).toBeGreaterThan(25);
    expect(below).toBeLessThan(75);
  });
});

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The bootstrap by the book: all values drawn again, 4,000 times. */
function resampled(values: Float64Array, random: Random): { low: number; high: number } {
  const medians = Float64Array.from({ length: 4000 }, () =>
    median(values.map(() => values[random.int(values.length)])),
  ).sort();
  return { low: medians[100], high: medians[3899] };
}

describe("bootstrap", () => {
  const random = new Random(3);
  const values = Float64Array.from({ length: 301 }, () => Math.round(random.exponential(5000)));

  test("the fast median agrees with resampling", () => {
    const slow = resampled(values, new Random(11));
    const fast = bootstrapMedian(values, { resamples: 4000, seed: 12 });
    expect(fast.value).toBe(median(values));
    const width = slow.high - slow.low;
    expect(Math.abs(fast.low - slow.low)).toBeLessThan(width / 8);
    expect(Math.abs(fast.high - slow.high)).toBeLessThan(width / 8);
  });

  test("the same seed gives the same interval", () => {
    expect(bootstrapMedian(values, { seed: 5 })).toEqual(bootstrapMedian(values, { seed: 5 }));
  });

  test("covers the true median about as often as it says", () => {
    let covered = 0;
    for (let turn = 0; turn < 300; turn++) {
      const sample = Float64Array.from({ length: 101 }, () => random.normal()).sort();
      const { low, high } = bootstrapQuantile(sample, 0.5, { resamples: 400, seed: turn });
      if (low <= 0 && 0 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(268);
    expect(covered).toBeLessThan(299);
  });

  test("of nothing is nothing", () => {
    expect(bootstrapMedian([]).value).toBeNaN();
  });
});

describe("batch means", () => {
  test("mean interval of a known sample", () => {
    const { value, low, high } = meanInterval([1, 2, 3, 4, 5]);
    expect(value).toBe(3);
    expect(high - value).toBeCloseTo(2.776445 * Math.sqrt(2.5 / 5), 5);
    expect(value - low).toBeCloseTo(high - value, 12);
  });

  test("alike neighbours widen the interval", () => {
    const random = new Random(1);
    const values = new Float64Array(10_000);
    for (let row = 1; row < values.length; row++) {
      values[row] = 0.95 * values[row - 1] + random.normal();
    }
    const naive = meanInterval(values);
    const batch = batchInterval(values, 20);
    expect(batch.high - batch.low).toBeGreaterThan(3 * (naive.high - naive.low));
    expect(batch.value).toBeCloseTo(naive.value, 10);
  });

  test("median of batches, and a width as a share", () => {
    const values = Float64Array.from({ length: 200 }, (_, row) => row % 10);
    const interval = batchMedianInterval(values);
    expect(interval).toEqual({ value: 4, low: 4, high: 4 });
    expect(relativeHalfWidth({ value: 100, low: 98, high: 102 })).toBe(0.02);
    expect(batchInterval(values, 500).value).toBeNaN();
  });
});

describe("ECDF points", () => {
  test("rise strictly, begin at the least value and end at 1", () => {
    fc.assert(
      fc.property(few, fc.integer({ min: 2, max: 20 }), (values, most) => {
        const points = ecdfPoints(sorted(values), most);
        expect(points.length).toBeLessThanOrEqual(most);
        expect(points[0].value).toBe(Math.min(...values));
        expect(points.at(-1)?.share).toBe(1);
        for (let at = 1; at < points.length; at++) {
          expect(points[at].value).toBeGreaterThan(points[at - 1].value);
          expect(points[at].share).toBeGreaterThan(points[at - 1].share);
        }
      }),
    );
  });
});
