import { describe, expect, test } from "bun:test";
import { memoryAt } from "../../../src/kernel/libc.ts";
import { Payload } from "../../../src/load/payload.ts";

/** The payload of the second of two packets. */
function second(bytes: number, identical = false): DataView<ArrayBuffer> {
  const payload = new Payload(bytes, identical);
  payload.stamp(1);
  payload.stamp(2 ** 50 + 77);
  const copy = new Uint8Array(memoryAt(payload.address, bytes)).slice();
  return new DataView(copy.buffer);
}

const rest = (view: DataView<ArrayBuffer>, from: number) => [
  ...new Set(new Uint8Array(view.buffer).subarray(from)),
];

describe("payload", () => {
  test("carries number and time, then the pattern", () => {
    const view = second(128);
    expect(view.getBigUint64(0, true)).toBe(2n);
    expect(view.getBigUint64(8, true)).toBe(2n ** 50n + 77n);
    expect(rest(view, 16)).toEqual([0x6b]);
  });

  test("of 8 to 15 bytes carries the number only, a shorter one neither", () => {
    for (const bytes of [8, 9, 15]) {
      const view = second(bytes);
      expect(view.getBigUint64(0, true)).toBe(2n);
      expect(rest(view, 8)).toEqual(bytes > 8 ? [0x6b] : []);
    }
    for (const bytes of [1, 7]) expect(rest(second(bytes), 0)).toEqual([0x6b]);
  });

  test("is the same in every packet when identical, with all ones as number and time", () => {
    const view = second(20, true);
    expect(view.getBigUint64(0, true)).toBe(2n ** 64n - 1n);
    expect(view.getBigUint64(8, true)).toBe(2n ** 64n - 1n);
    expect(rest(view, 16)).toEqual([0x6b]);
    expect(rest(second(12, true), 8)).toEqual([0x6b]);
    expect(rest(second(4, true), 0)).toEqual([0x6b]);
  });
});
