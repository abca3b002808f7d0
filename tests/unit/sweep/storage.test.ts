import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunResult } from "../../../src/model/result.ts";
import { resultKinds, resultName } from "../../../src/results/names.ts";
import type { LineOptions, SweepRun } from "../../../src/sweep/runs.ts";
import { Storage } from "../../../src/sweep/storage.ts";
import { testFolder } from "../results/folder.ts";

const top = testFolder();
let number = 0;
const newFolder = () => join(top, `sweep${++number}`);

function runOf(options: LineOptions = {}, folder = "", rep = 1): SweepRun {
  const times = { intervals: 1, packets: 5, sleepNs: 0, pps: 1000, sizeBytes: 64, delayNs: 2500 };
  return { params: { ...times, law: 0, rep }, options, folder, file: "params", line: 3 };
}

/** Writes what a measurement leaves in its folder, without the RUN_ file. */
function measured(run: SweepRun, folder: string): RunResult {
  const files = resultKinds.map((kind) => join(folder, resultName(kind, run.params)));
  for (const file of files) writeFileSync(file, `${file}\n`);
  const sweep = { file: run.file, line: run.line, options: run.options };
  const result = { schema: "komon.run/1", params: run.params, hooks: {}, coverage: {}, spans: {} };
  const more = { cost: { programs: [], ns_per_packet: 0 }, files, manifest: { sweep } };
  return { ...result, ...more } as unknown as RunResult;
}

const names = (run: SweepRun) =>
  ["RUN" as const, ...resultKinds].map((kind) => resultName(kind, run.params)).sort();

describe("a sweep's folder", () => {
  test("a run's files appear together, and its RUN_ file names them where they are", () => {
    const folder = newFolder();
    const storage = new Storage(folder);
    const run = runOf({ workers: 2 }, "workers=2");
    const partial = storage.begin(run);
    const result = measured(run, partial);
    expect(readdirSync(join(folder, "workers=2")).every((name) => name.startsWith("."))).toBe(true);
    expect(storage.done(run)).toBeUndefined();
    const kept = storage.keep(run, result);
    expect(readdirSync(join(folder, "workers=2")).sort()).toEqual(names(run));
    expect(kept.files.every((file) => existsSync(file))).toBe(true);
    expect(storage.done(run)).toEqual(kept);
  });

  test("a crash before the RUN_ file: the rest goes, and the run is to be measured", () => {
    const folder = newFolder();
    const storage = new Storage(folder);
    measured(runOf(), storage.begin(runOf()));
    expect(new Storage(folder).recover()).toEqual({ finished: 0, removed: 1 });
    expect(readdirSync(folder)).toEqual([]);
    expect(storage.done(runOf())).toBeUndefined();
  });

  test.each([0, 1, 4])(
    "a crash after it, %p files moved: the next start moves the rest",
    (moved) => {
      const folder = newFolder();
      const storage = new Storage(folder);
      const run = runOf();
      const partial = storage.begin(run);
      const result = measured(run, partial);
      writeFileSync(join(partial, resultName("RUN", run.params)), JSON.stringify(result));
      for (const kind of resultKinds.slice(0, moved)) {
        const name = resultName(kind, run.params);
        writeFileSync(join(folder, name), readFileSync(join(partial, name)));
        Bun.spawnSync(["rm", join(partial, name)]);
      }
      expect(storage.recover()).toEqual({ finished: 1, removed: 0 });
      expect(readdirSync(folder).sort()).toEqual(names(run));
      expect(storage.done(run)).toEqual(result);
    },
  );

  test("a failed run's files are put aside, and go when it succeeds", () => {
    const folder = newFolder();
    const storage = new Storage(folder);
    const run = runOf();
    measured(run, storage.begin(run));
    const aside = storage.putAside(run) ?? "";
    expect(readdirSync(aside)).toHaveLength(4);
    expect(readdirSync(folder)).toEqual([".failed"]);
    storage.keep(run, measured(run, storage.begin(run)));
    expect(readdirSync(folder).sort()).toEqual(names(run));
  });

  test("one that failed before it wrote anything leaves nothing", () => {
    const folder = newFolder();
    const storage = new Storage(folder);
    const run = runOf({ cpu: 9 }, "cpu=9");
    storage.begin(run);
    expect(storage.putAside(run)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a result of other options is not taken for this one", () => {
    const storage = new Storage(newFolder());
    const one = runOf({ workers: 2 });
    storage.keep(one, measured(one, storage.begin(one)));
    expect(() => storage.done(runOf({ workers: 3 }))).toThrow("workers was 2, and is to be 3");
    expect(() => storage.done(runOf())).toThrow("workers was 2, and is to be none");
    expect(() => storage.done(runOf({ workers: 2, flows: 4 }))).toThrow("flows was none");
  });

  test("files of somebody else are never written over", () => {
    const folder = newFolder();
    const storage = new Storage(folder);
    mkdirSync(folder, { recursive: true });
    const foreign = join(folder, resultName("KERNEL", runOf().params));
    writeFileSync(foreign, "theirs\n");
    expect(() => storage.done(runOf())).toThrow(`will not write over ${foreign}`);
    const run = runOf();
    expect(() => storage.keep(run, measured(run, storage.begin(run)))).toThrow("will not write");
    expect(readFileSync(foreign, "utf8")).toBe("theirs\n");
  });
});
