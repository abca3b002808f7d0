import { expect, test } from "bun:test";
import { readU64, writeU64 } from "../../../src/kernel/counter.ts";

const view = new DataView(new ArrayBuffer(16));

test.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 12_345, 2 ** 53 - 1])(
  "%p is read as it was written",
  (value) => {
    writeU64(view, 8, value);
    expect(readU64(view, 8)).toBe(value);
    expect(view.getBigUint64(8, true)).toBe(BigInt(value));
  },
);

test("above 2^53 it is the nearest number, up to the last before it wraps", () => {
  view.setBigUint64(0, 2n ** 64n - 1n, true);
  expect(readU64(view, 0)).toBe(2 ** 64);
});

test("a counter whose lower half wraps while it is read is never 2^32 off", () => {
  // What the kernel does between two loads: the view is asked for the lower half first.
  const counter = { value: 2n ** 32n - 1n };
  const torn = {
    getUint32(offset: number) {
      const half = offset === 0 ? counter.value & 0xffff_ffffn : counter.value >> 32n;
      counter.value += 1n;
      return Number(half);
    },
    getBigUint64: () => counter.value,
  } as unknown as DataView;
  const read = readU64(torn, 0);
  expect(read).toBeGreaterThanOrEqual(2 ** 32 - 1);
  expect(read).toBeLessThanOrEqual(Number(counter.value));
});
