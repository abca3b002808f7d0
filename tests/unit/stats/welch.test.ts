import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Random } from "../../../src/stats/random.ts";
import { holm, welch } from "../../../src/stats/welch.ts";

describe("Welch's test", () => {
  test("Student's sleep data, as R prints it: p = 0.07939, interval -3.3654832 to 0.2054832", () => {
    const a = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    const b = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const { difference, low, high, p } = welch(a, b);
    expect(difference).toBeCloseTo(-1.58, 10);
    expect(low).toBeCloseTo(-3.3654832, 6);
    expect(high).toBeCloseTo(0.2054832, 6);
    expect(p).toBeCloseTo(0.07939, 5);
  });

  test("5 % of equal laws of unequal spread fall below 0.05", () => {
    const random = new Random(5);
    let below = 0;
    for (let turn = 0; turn < 2000; turn++) {
      const a = Array.from({ length: 6 }, () => random.normal());
      const b = Array.from({ length: 12 }, () => 5 * random.normal());
      if (welch(a, b).p < 0.05) below++;
    }
    expect(below).toBeGreaterThan(60);
    expect(below).toBeLessThan(145);
  });

  test("the interval excludes 0 exactly when p is below 5 %", () => {
    const values = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const { low, high, p } = welch(a, b);
        fc.pre(Math.abs(p - 0.05) > 1e-6);
        expect(p < 0.05).toBe(low > 0 || high < 0);
      }),
    );
  });

  test("too few values, no spread", () => {
    expect(welch([1], [2, 3]).p).toBe(1);
    expect(welch([5, 5], [5, 5]).p).toBe(1);
    expect(welch([5, 5], [6, 6])).toMatchObject({ difference: -1, low: -1, high: -1, p: 0 });
  });
});

test("Holm raises p values by rank, keeps their order, never above 1", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
