import { describe, expect, test } from "bun:test";
import { readLoadFlags } from "../../../src/commands/load.ts";
import { readVnfFlags } from "../../../src/commands/vnf.ts";
import { arrivalKinds } from "../../../src/load/arrivals.ts";
import { largest } from "../../../src/model/run.ts";
import { rungs } from "../../../src/probes/vnf/hooks.ts";
import { arrivalNames, type ColumnName, columnOf, hookNames } from "../../../src/sweep/columns.ts";
import { aboutText, Estimate, expectedNs } from "../../../src/sweep/estimate.ts";
import { ordered } from "../../../src/sweep/order.ts";
import { readSweep } from "../../../src/sweep/runs.ts";
import { seedOf } from "../../../src/sweep/seeds.ts";
import { testFolder, textFile } from "../results/folder.ts";

const folder = testFolder();
const file = textFile(folder, "params", "10 10 0.1 1k,2k,3k,4k 128 0 0..4/1\n");
const runs = readSweep([file], 2);

describe("the order of a sweep", () => {
  test("as in the file, or at random and the same for the same seed", () => {
    expect(ordered(runs, "file", 1)).toEqual(runs);
    const random = ordered(runs, "random", 1);
    expect(random).not.toEqual(runs);
    expect(new Set(random)).toEqual(new Set(runs));
    expect(ordered(runs, "random", 1)).toEqual(random);
    expect(ordered(runs, "random", 2)).not.toEqual(random);
  });

  test("each run has a seed of its own that does not depend on the others", () => {
    const seeds = runs.map((run) => seedOf(7, run));
    expect(new Set(seeds).size).toBe(runs.length);
    expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
    const [alone] = readSweep([textFile(folder, "one", "10 10 0.1 4k 128 0 4\n")]);
    const same = runs.find(({ params }) => params.pps === 4000 && params.law === 4);
    expect(same && seedOf(7, same)).toBe(seedOf(7, alone));
    expect(seedOf(8, alone)).not.toBe(seedOf(7, alone));
    const [given] = readSweep([textFile(folder, "seed", "10 10 0.1 4k 128 0 4 seed=5\n")]);
    expect(seedOf(7, given)).toBe(5);
  });
});

describe("how long it takes", () => {
  test("from intervals, pauses and rate, and a line's own gap", () => {
    const ns = (text: string) =>
      expectedNs(readSweep([textFile(folder, "gap", text)])[0], "fixed+exp");
    const around = ns("1 1 0 100M 128 0\n") - 10;
    expect(ns("10 10 0.1 1k 128 0\n") - around).toBe(10 * (2e8 + 1e7));
    expect(ns("10 10 0.1 1k 128 0 gap=fixed\n") - around).toBe(10 * (1e8 + 1e7));
  });

  test("what is left is corrected by what was", () => {
    const estimate = new Estimate();
    expect(estimate.remainingNs(100, 10, 0.5)).toBe(105);
    estimate.add(10, 20);
    expect(estimate.remainingNs(100, 10, 0.5)).toBe(210);
  });

  test("in words", () => {
    expect([45e9, 600e9, 12_000e9].map(aboutText)).toEqual(["45 s", "10 min", "3 h 20 min"]);
  });
});

test("what a column takes, the command it stands for takes too", () => {
  const most = (name: ColumnName) => `${columnOf(name)?.max}`;
  const { buffer, workers } = { buffer: most("buffer"), workers: most("workers") };
  expect(readVnfFlags(["--buffer", buffer, "--workers", workers])).toMatchObject({
    ...{ bufferBytes: Number(buffer), workers: Number(workers) },
  });
  expect(readVnfFlags(["--delay", `${most("delay")}ns`]).delayNs).toBe(Number(most("delay")));
  const load = ["--pps", most("pps"), "--size", most("size"), "--flows", most("flows")];
  const burst = ["--arrivals", "burst", "--burst", most("burst")];
  expect(readLoadFlags(["[::1]:1", ...load, ...burst])).toMatchObject({
    ...{ pps: Number(most("pps")), burst: Number(most("burst")), flows: Number(most("flows")) },
  });
  const run = ["intervals", "packets", "sleep", "pps", "size", "delay"] as const;
  const { sleepNs, sizeBytes, delayNs, ...rest } = largest;
  expect(run.map((name) => Number(most(name)))).toEqual([
    ...[rest.intervals, rest.packets, sleepNs, rest.pps, sizeBytes, delayNs],
  ]);
});

test("columns know the same names as the commands they stand for", () => {
  expect([...hookNames]).toEqual(["auto", ...rungs]);
  expect([...arrivalNames]).toEqual([...arrivalKinds]);
});
