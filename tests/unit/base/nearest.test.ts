import { expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../../src/base/nearest.ts";

const words = ["duration", "pps", "in-port", "out-port", "size", "quiet", "help"];

test.each([
  ["durration", "duration"],
  ["druation", "duration"],
  ["dur", "duration"],
  ["ppps", "pps"],
  ["inport", "in-port"],
  ["szie", "size"],
])("%s was meant to be %s", (typed, meant) => {
  expect(nearest(typed, words)).toBe(meant);
});

test.each(["xyz", "p", "frobnicate", ""])("%j is near nothing", (typed) => {
  expect(nearest(typed, words)).toBeUndefined();
});

test("the distance is 0 exactly for equal words, the same both ways, and at most the longer length", () => {
  const word = fc.stringMatching(/^[a-c]{0,6}$/);
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance === 0).toBe(a === b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
