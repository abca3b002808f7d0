import { describe, expect, test } from "bun:test";
import { Random } from "../../../src/stats/random.ts";
import { meanOf, sdOf } from "../../../src/stats/summary.ts";

const draws = 200_000;

function sample(draw: (random: Random) => number): Float64Array {
  const random = new Random(42);
  return Float64Array.from({ length: draws }, () => draw(random));
}

describe("random numbers", () => {
  test("repeat with the seed and differ without it", () => {
    const numbers = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
    expect(numbers(1)).not.toEqual(numbers(1 + 2 ** 32));
    expect(numbers(0).some((word) => word > 0)).toBe(true);
  });

  test("stay the same from version to version", () => {
    const random = new Random(1);
    const numbers = [random.uint32(), random.uint32(), random.uint32()];
    expect(numbers).toEqual([3_557_486_321, 750_259_214, 2_563_312_415]);
  });

  test("uniform: mean, spread, bounds", () => {
    const values = sample((random) => random.next());
    expect(meanOf(values)).toBeCloseTo(0.5, 2);
    expect(sdOf(values)).toBeCloseTo(Math.sqrt(1 / 12), 2);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test("laws have their mean and spread", () => {
    const exponential = sample((random) => random.exponential(50));
    expect(meanOf(exponential) / 50).toBeCloseTo(1, 1);
    expect(sdOf(exponential) / 50).toBeCloseTo(1, 1);
    expect(exponential.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    const normal = sample((random) => random.normal());
    expect(Math.abs(meanOf(normal))).toBeLessThan(0.01);
    expect(sdOf(normal)).toBeCloseTo(1, 1);
    const beta = sample((random) => random.beta(3, 5));
    expect(meanOf(beta)).toBeCloseTo(3 / 8, 2);
    expect(sdOf(beta)).toBeCloseTo(Math.sqrt((3 * 5) / (64 * 9)), 2);
  });

  test("shuffle keeps the items and reaches every order", () => {
    const random = new Random(9);
    const orders = new Set<string>();
    for (let turn = 0; turn < 200; turn++) orders.add(random.shuffle(["a", "b", "c"]).join(""));
    expect([...orders].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
  });
});
