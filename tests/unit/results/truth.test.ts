import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KomonError } from "../../../src/base/errors.ts";
import { noSeq } from "../../../src/model/records.ts";
import { readTruth } from "../../../src/results/truth.ts";
import { testFolder } from "./folder.ts";

const folder = testFolder();

/** A truth file by the table of docs/files.md, written independently of the reader. */
function file(rows: number, change: (view: DataView) => void = () => {}): string {
  const view = new DataView(new ArrayBuffer(64 + 48 * rows));
  for (const [at, letter] of [..."KOMONVNF"].entries()) view.setUint8(at, letter.charCodeAt(0));
  view.setUint32(8, 1, true);
  view.setUint32(12, 48, true);
  view.setUint32(16, 4242, true);
  view.setUint32(20, 2, true);
  view.setBigUint64(24, 2n ** 63n + 1n, true);
  view.setFloat64(32, 25_000.5, true);
  view.setUint32(40, 4, true);
  view.setUint32(44, 1234, true);
  view.setBigUint64(48, BigInt(rows), true);
  for (let row = 0; row < rows; row++) {
    const at = 64 + row * 48;
    view.setBigUint64(at, row % 5 === 4 ? 2n ** 64n - 1n : BigInt(row + 1), true);
    view.setBigUint64(at + 8, 2n ** 50n + BigInt(row * 1000), true);
    view.setBigUint64(at + 16, 2n ** 50n + BigInt(row * 1000 + 300), true);
    view.setBigUint64(at + 24, BigInt(row), true);
    view.setUint32(at + 32, 7000 + (row % 2), true);
    view.setUint32(at + 36, 128, true);
    view.setUint32(at + 40, row % 32, true);
    view.setUint32(at + 44, Math.floor(row / 10), true);
  }
  change(view);
  const path = join(folder, "truth.bin");
  writeFileSync(path, new Uint8Array(view.buffer));
  return path;
}

describe("truth file", () => {
  test("head and rows, over several pieces", () => {
    const rows = 70_001;
    const truth = readTruth(file(rows));
    expect(truth.head).toEqual({
      pid: 4242,
      workers: 2,
      seed: 2n ** 63n + 1n,
      delayNs: 25_000.5,
      law: 4,
      port: 1234,
    });
    expect(truth.length).toBe(rows);
    for (let row = 0; row < rows; row += row < 100 ? 1 : 997) {
      expect(truth.seq[row]).toBe(row % 5 === 4 ? noSeq : row + 1);
      expect(truth.recvNs[row]).toBe(2 ** 50 + row * 1000);
      expect(truth.sendNs[row] - truth.recvNs[row]).toBe(300);
      expect(truth.askedNs[row]).toBe(row);
      expect(truth.tid[row]).toBe(7000 + (row % 2));
      expect([truth.payloadBytes[row], truth.flags[row]]).toEqual([128, row % 32]);
      expect(truth.interval[row]).toBe(Math.floor(row / 10));
    }
    expect(truth.recvNs[rows - 1]).toBe(2 ** 50 + (rows - 1) * 1000);
  });

  test("without a row", () => {
    expect(readTruth(file(0)).length).toBe(0);
  });

  test("says what is wrong", () => {
    const read = (path: string) => () => readTruth(path);
    expect(read(join(folder, "none"))).toThrow(KomonError);
    expect(read(join(folder, "none"))).toThrow("ENOENT");
    expect(read(folder)).toThrow(KomonError);
    const path = file(3, (view) => view.setBigUint64(48, 5n, true));
    expect(read(path)).toThrow("3 whole rows and its head says 5");
    expect(read(file(1, (view) => view.setUint32(8, 2, true)))).toThrow("version 2");
    expect(read(file(1, (view) => view.setUint8(0, 0)))).toThrow("KOMONVNF");
    writeFileSync(join(folder, "short"), "KOMONVNF");
    expect(read(join(folder, "short"))).toThrow(KomonError);
  });
});
