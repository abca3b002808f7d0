import { expect, test } from "bun:test";
import { kernelInteger, sampleSizeOf } from "../../../src/attach/sampleSize.ts";

test.each([
  ["10", 10],
  ["0", 0],
  ["-1", -1],
  ["+7", 7],
  ["0x10", 16],
  ["0XfF", 255],
  ["010", 8],
  ["-010", -8],
  ["00", 0],
])("%s is %d, as kstrtol with base 0 reads it", (text, value) => {
  expect(kernelInteger(text)).toBe(value);
});

test.each(["", " ", "1 ", "08", "0x", "1e3", "1.5", "ten", "--1", "1k"])(
  "%p is no number",
  (text) => {
    expect(kernelInteger(text)).toBeUndefined();
  },
);

test("numbers outside 1 to cbsize stand for cbsize", () => {
  expect([1, 50, 100, 101, 0, -1].map((n) => sampleSizeOf(n, 100))).toEqual([
    1, 50, 100, 100, 100, 100,
  ]);
});
