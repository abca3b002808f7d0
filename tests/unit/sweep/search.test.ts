import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { searchHighest, threeDigits } from "../../../src/sweep/search.ts";

/** Searches for a ceiling, and counts the steps; fails when a rate is tried twice. */
async function search(ceiling: number, startPps: number, lowestPps = 1, highestPps = 1e8) {
  const tried: number[] = [];
  const found = await searchHighest(
    { startPps, lowestPps, highestPps, resolution: 0.02 },
    async (pps) => {
      expect(tried).not.toContain(pps);
      tried.push(pps);
      return pps <= ceiling;
    },
  );
  return { found, tried };
}

describe("the search for the highest rate", () => {
  test("comes as near as asked, from below and from above", async () => {
    const rate = fc.integer({ min: 10, max: 5_000_000 });
    await fc.assert(
      fc.asyncProperty(rate, rate, async (ceiling, start) => {
        const { found, tried } = await search(ceiling, start);
        const { holdsPps = Number.NaN, failsPps = Number.NaN } = found ?? {};
        expect(holdsPps).toBeLessThanOrEqual(ceiling);
        expect(failsPps).toBeGreaterThan(ceiling);
        // Rates of three digits are 1 % apart near 100.
        expect(failsPps / holdsPps).toBeLessThanOrEqual(holdsPps < 100 ? 1.11 : 1.0201);
        expect(tried.length).toBeLessThan(40);
      }),
    );
  });

  test("never above the highest rate", async () => {
    const { found, tried } = await search(1e9, 1000, 1000, 5000);
    expect(tried).toEqual([1000, 2000, 4000, 5000]);
    expect(found).toEqual({ holdsPps: 5000, failsPps: undefined });
  });

  test("nothing holds", async () => {
    const { found, tried } = await search(0, 1000, 200);
    expect(tried).toEqual([1000, 500, 250]);
    expect(found).toEqual({ holdsPps: undefined, failsPps: 250 });
  });

  test("interrupted", async () => {
    const range = { startPps: 1000, lowestPps: 1, highestPps: 1e6, resolution: 0.1 };
    expect(await searchHighest(range, async () => undefined)).toBeUndefined();
  });

  test("rates of three digits", () => {
    expect([4843.2, 98.91, 123_456].map(threeDigits)).toEqual([4840, 98.9, 123_000]);
  });
});
