import { describe, expect, test } from "bun:test";
import { Fate, Faults } from "../../../vnf/faults.ts";

const packets = 20_000;

function fates(drop: number, reorder: number, duplicate: number, seed = 3): number[] {
  const faults = new Faults({ drop, reorder, duplicate }, seed);
  return Array.from({ length: packets }, () => faults.draw());
}

const share = (list: readonly number[], bit: number) =>
  list.filter((fate) => (fate & bit) !== 0).length / packets;

describe("faults", () => {
  test("none without a chance, all with certainty", () => {
    expect(new Set(fates(0, 0, 0))).toEqual(new Set([Fate.none]));
    expect(new Set(fates(1, 0, 0))).toEqual(new Set([Fate.drop]));
    expect(new Set(fates(0, 1, 1))).toEqual(new Set([Fate.reorder | Fate.duplicate]));
  });

  test("each happens as often as asked", () => {
    const list = fates(0.05, 0.2, 0.1);
    expect(Math.abs(share(list, Fate.drop) - 0.05)).toBeLessThan(0.006);
    // What is dropped is neither held back nor sent twice.
    expect(Math.abs(share(list, Fate.reorder) - 0.2 * 0.95)).toBeLessThan(0.012);
    expect(Math.abs(share(list, Fate.duplicate) - 0.1 * 0.95)).toBeLessThan(0.009);
  });

  test("a dropped packet has no other fate", () => {
    expect(
      fates(0.5, 1, 1).filter((fate) => fate !== Fate.drop && (fate & Fate.drop) !== 0),
    ).toEqual([]);
  });

  test("changing one chance moves none of the others' dice", () => {
    const held = (list: readonly number[]) =>
      list.flatMap((fate, packet) => ((fate & Fate.reorder) !== 0 ? [packet] : []));
    expect(held(fates(0, 0.1, 0.9))).toEqual(held(fates(0, 0.1, 0)));
  });

  test("one seed gives one sequence", () => {
    expect(fates(0.1, 0.1, 0.1, 8)).toEqual(fates(0.1, 0.1, 0.1, 8));
    expect(fates(0.1, 0.1, 0.1, 8)).not.toEqual(fates(0.1, 0.1, 0.1, 9));
  });
});
