import { describe, expect, test } from "bun:test";
import type { Law } from "../../../src/model/laws.ts";
import { meanOf, sdOf } from "../../../src/stats/summary.ts";
import { ServiceTimes, trueMean } from "../../../vnf/service.ts";
import { normalTail } from "../../support/normal.ts";

const draws = 50_000;
const mean = 100_000;

function drawn(law: Law, seed = 7): Float64Array {
  const service = new ServiceTimes(law, mean, seed);
  return Float64Array.from({ length: draws }, () => service.draw());
}

/** P(X ≤ x) of each law, from its definition. */
const cdf: Readonly<Record<Law, (x: number) => number>> = {
  0: (x) => (x >= mean ? 1 : 0),
  1: (x) => (x < 0 ? 0 : 1 - Math.exp(-x / mean)),
  2: (x) => Math.min(1, Math.max(0, x / (2 * mean))),
  3: (x) => (x < 0 ? 0 : 1 - normalTail((x - mean) / mean)),
  4: (x) => (x < 0 ? 0 : 1 - normalTail((x - mean) / (0.2 * mean))),
};

/** The greatest distance between the sample and the law, where the law has no jump. */
function distance(values: Float64Array, law: Law): number {
  const sorted = values.slice().sort();
  let greatest = 0;
  sorted.forEach((value, at) => {
    if (law === 3 && value === 0) return; // the atom that the cut at 0 makes
    const p = cdf[law](value);
    greatest = Math.max(greatest, Math.abs(p - at / draws), Math.abs(p - (at + 1) / draws));
  });
  return greatest;
}

describe("service times", () => {
  test("constant is always the delay", () => {
    expect(new Set(drawn(0))).toEqual(new Set([mean]));
  });

  for (const law of [1, 2, 3, 4] as const) {
    test(`law ${law} has its distribution`, () => {
      // 1.95/√n: exceeded by chance once in 1000 seeds, and the seed is fixed.
      expect(distance(drawn(law), law)).toBeLessThan(1.95 / Math.sqrt(draws));
    });
  }

  test("the means are the ones the documentation gives", () => {
    for (const law of [0, 1, 2, 3, 4] as const) {
      const values = drawn(law);
      const error = (4 * sdOf(values)) / Math.sqrt(draws);
      expect(Math.abs(meanOf(values) - trueMean(law, mean))).toBeLessThanOrEqual(error + 1e-6);
    }
    expect(trueMean(3, 100_000)).toBeCloseTo(108_331.55, 1);
  });

  test("a negative draw becomes 0 and is not drawn again", () => {
    const atZero = drawn(3).filter((value) => value === 0).length / draws;
    expect(Math.abs(atZero - normalTail(1))).toBeLessThan(0.006);
    expect(Math.min(...drawn(3))).toBe(0);
  });

  test("times are whole nanoseconds", () => {
    for (const law of [1, 2, 3, 4] as const) {
      expect(drawn(law).every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    }
  });

  test("one seed gives one sequence", () => {
    expect(drawn(1, 5)).toEqual(drawn(1, 5));
    expect(drawn(1, 5)).not.toEqual(drawn(1, 6));
  });

  test("a delay of 0 is 0 under every law", () => {
    for (const law of [0, 1, 2, 3, 4] as const) {
      expect(new ServiceTimes(law, 0, 1).draw()).toBe(0);
    }
  });
});
