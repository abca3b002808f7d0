import { describe, expect, test } from "bun:test";
import { type ArrivalKind, Arrivals } from "../../../src/load/arrivals.ts";

function due(kind: ArrivalKind, pps: number, count: number, burst = 1, seed = 1): Float64Array {
  const arrivals = new Arrivals(kind, pps, burst, seed);
  return Float64Array.from({ length: count }, () => arrivals.next());
}

describe("arrivals", () => {
  test("constant ones keep to the rate however long it takes", () => {
    const times = due("constant", 3, 1_000_001);
    expect(times[0]).toBe(0);
    expect(times[3]).toBe(1e9);
    // A sum of rounded gaps would be off by now.
    expect(Math.abs(times[1_000_000] - 1e15 / 3)).toBeLessThan(0.13);
  });

  test("bursts are due at once and keep the mean rate", () => {
    const times = due("burst", 1000, 25, 10);
    expect([...new Set(times)]).toEqual([0, 10e6, 20e6]);
    expect(times.filter((time) => time === 10e6).length).toBe(10);
  });

  test("Poisson ones have exponential gaps of the right mean", () => {
    const count = 50_000;
    const times = due("poisson", 1000, count);
    const gaps = times.map((time, at) => time - (at > 0 ? times[at - 1] : 0)).sort();
    const distance = gaps.reduce((greatest, gap, at) => {
      const p = 1 - Math.exp(-gap / 1e6);
      return Math.max(greatest, Math.abs(p - at / count), Math.abs(p - (at + 1) / count));
    }, 0);
    expect(distance).toBeLessThan(1.95 / Math.sqrt(count));
    expect(times[count - 1] / count / 1e6).toBeCloseTo(1, 1);
  });

  test("one seed gives one schedule", () => {
    expect(due("poisson", 10, 50, 1, 4)).toEqual(due("poisson", 10, 50, 1, 4));
    expect(due("poisson", 10, 50, 1, 4)).not.toEqual(due("poisson", 10, 50, 1, 5));
  });
});
