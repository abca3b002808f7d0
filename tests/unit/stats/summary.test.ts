import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { correctedErrorSummary, errorSummary } from "../../../src/stats/error.ts";
import { mad } from "../../../src/stats/robust.ts";
import { summary } from "../../../src/stats/summary.ts";

describe("summary", () => {
  test("of known values", () => {
    const values = Float64Array.from({ length: 1000 }, (_, row) => 1000 - row);
    expect(summary(values)).toEqual({
      count: 1000,
      mean_ns: 500.5,
      sd_ns: Math.sqrt((1000 * 1001) / 12),
      min_ns: 1,
      p50_ns: 500,
      p90_ns: 900,
      p99_ns: 990,
      p999_ns: 999,
      max_ns: 1000,
    });
    expect(values[0]).toBe(1000);
  });

  test("sd survives a large common offset", () => {
    const offset = 2 ** 50;
    expect(summary([offset + 1, offset + 2, offset + 3]).sd_ns).toBe(1);
  });

  test("percentiles agree with the definition: the least value with at least q below or equal", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }), (values) => {
        const { p50_ns, p90_ns, p99_ns } = summary(values);
        for (const [q, value] of [
          [50, p50_ns],
          [90, p90_ns],
          [99, p99_ns],
        ]) {
          const atMost = values.filter((other) => other <= value).length;
          const below = values.filter((other) => other < value).length;
          expect(atMost * 100).toBeGreaterThanOrEqual(q * values.length);
          expect(below * 100).toBeLessThan(q * values.length);
        }
      }),
    );
  });

  test("of one value and of none", () => {
    expect(summary([7])).toMatchObject({ count: 1, mean_ns: 7, sd_ns: 0, p999_ns: 7 });
    expect(summary([]).count).toBe(0);
    expect(summary([]).p50_ns).toBeNaN();
  });
});

describe("errors", () => {
  test("of known values", () => {
    expect(errorSummary([-1, 10, 3, 4, 5])).toEqual({
      pairs: 5,
      mean_ns: 4.2,
      p50_ns: 4,
      p99_ns: 10,
      mae_ns: 4.6,
      residual_p50_ns: 1,
    });
  });

  test("a constant offset goes, the residual stays", () => {
    const raw = errorSummary([700, 710, 730, 720, 2000]);
    const corrected = correctedErrorSummary([700, 710, 730, 720, 2000], 720);
    expect(corrected.p50_ns).toBe(0);
    expect(corrected.residual_p50_ns).toBe(raw.residual_p50_ns);
  });
});

test("mad of known values (Wikipedia's example)", () => {
  expect(mad([1, 1, 2, 2, 4, 6, 9])).toBe(1);
});
