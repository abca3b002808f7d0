import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readSweep, runKey } from "../../../src/sweep/runs.ts";
import { testFolder, textFile } from "../results/folder.ts";

const folder = testFolder();
const params = join(import.meta.dir, "../../../params");
const sweep = (text: string, reps?: number) => readSweep([textFile(folder, "params", text)], reps);

describe("the runs of a sweep", () => {
  test("every combination, the last column fastest, repetitions outermost", () => {
    const runs = sweep("1 1 1 1k,2k 128 0,5\n1 1 1 7 128 0\n", 2);
    expect(runs.map(({ params, line }) => [params.rep, line, params.pps, params.delayNs])).toEqual([
      [1, 1, 1000, 0],
      [1, 1, 1000, 5000],
      [1, 1, 2000, 0],
      [1, 1, 2000, 5000],
      [1, 2, 7, 0],
      [2, 1, 1000, 0],
      [2, 1, 1000, 5000],
      [2, 1, 2000, 0],
      [2, 1, 2000, 5000],
      [2, 2, 7, 0],
    ]);
  });

  test("a column rep stands for itself", () => {
    const runs = sweep("1 1 1 1 128 0 rep=3..5/1\n", 9);
    expect(runs.map(({ params }) => params.rep)).toEqual([3, 4, 5]);
  });

  test("further columns arrive, and make folders only where they vary", () => {
    const same = sweep("1 1 1 1 128 0 seed=7 gap=exp\n1 1 1 2 128 0 seed=7 gap=exp\n");
    expect(same[0]).toMatchObject({ options: { seed: 7, gap: "exp" }, folder: "" });
    const varied = sweep("1 1 1 1 128 0 workers=1,2 seed=7\n");
    expect(varied.map((run) => run.folder)).toEqual(["workers=1", "workers=2"]);
    const some = sweep("1 1 1 1 128 0 cpu=1\n1 1 1 1 128 0\n");
    expect(some.map(runKey)).toEqual([
      "cpu=1/KERNEL_1pps_128byte_1_0_1_1_0_1.log",
      "KERNEL_1pps_128byte_1_0_1_1_0_1.log",
    ]);
    expect(some[1].options).toEqual({});
  });

  test("two runs that would write the same files are refused, both places named", () => {
    expect(() => sweep("1 1 1 1 128 0\n1 1 1 2 128 0\n  1 1 1 1,3 128 0\n")).toThrow(
      /params:3:3: the same run as .*params:1: both would write KERNEL_1pps/,
    );
  });

  test("several files, and files that are not there or empty", () => {
    const a = textFile(folder, "a", "1 1 1 1 128 0\n");
    const b = textFile(folder, "b", "1 1 1 2 128 0\n");
    expect(readSweep([a, b]).map((run) => run.file)).toEqual([a, b]);
    expect(() => readSweep([join(folder, "none")])).toThrow("ENOENT");
    expect(() => sweep("# nothing\n\n")).toThrow("no runs in");
  });

  test("far too many", () => {
    expect(() => sweep("1..1000/1 1..1000/1 1 1 128 0..9/1\n")).toThrow("10000000 runs");
  });

  test("the own files of komon", () => {
    const smoke = readSweep([join(params, "smoke")]);
    expect(smoke).toHaveLength(7);
    expect(new Set(smoke.map(({ params }) => params.law)).size).toBe(5);
    const loads = readSweep([join(params, "loads")]);
    expect(loads.map(({ params }) => params.pps / 1000)).toEqual([
      1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 125, 150, 175,
    ]);
    expect(loads[0].params).toMatchObject({ intervals: 100, packets: 10, delayNs: 0, law: 0 });
  });
});
