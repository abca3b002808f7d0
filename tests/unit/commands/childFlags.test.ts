import { describe, expect, test } from "bun:test";
import { KomonError } from "../../../src/base/errors.ts";
import { loadWords, refuseColumnsTwice, vnfWords } from "../../../src/commands/childFlags.ts";
import { readSweep } from "../../../src/sweep/runs.ts";
import { testFolder, textFile } from "../results/folder.ts";

describe("flags for the VNF and the load", () => {
  test.each([
    ["--delay=1ms", "--delay", "DELAY"],
    ["-d 1ms", "--delay", "DELAY"],
    ["--law 1", "--law", "LAW"],
    ["-r1", "--law", "LAW"],
    ["--flood", "--flood", "DELAY"],
    ["-f", "--flood", "DELAY"],
    ["--drop 0.1 --port 99", "--port", "--port"],
    ["--seed 7", "--seed", "--seed"],
    ["--wait never", "--wait", "--wait"],
    ["--target 127.0.0.1:9", "--target", "testbed"],
    ["--echo", "--echo", "testbed"],
    ["--truth /tmp/t", "--truth", "komon"],
  ])("--vnf-args %j: refused, for something else says it", (text, flag, says) => {
    expect(refusal(() => vnfWords(text))).toMatchObject({
      what: `--vnf-args: ${flag} cannot be given here`,
      why: expect.stringContaining(says),
      exit: 2,
    });
  });

  test.each([
    ["--pps=3", "--pps", "PPS"],
    ["-r 3", "--pps", "PPS"],
    ["--size 9", "--size", "SIZE"],
    ["--flows 2 --seed=3", "--seed", "--seed"],
    ["--format table", "--format", "komon"],
  ])("--load-args %j: refused, for something else says it", (text, flag, says) => {
    expect(refusal(() => loadWords(text))).toMatchObject({
      what: `--load-args: ${flag} cannot be given here`,
      why: expect.stringContaining(says),
      exit: 2,
    });
  });

  test("--cpu in both: refused; in one: not", () => {
    expect(vnfWords("--workers 2 --cpu 0,1")).toEqual(["--workers", "2", "--cpu", "0,1"]);
    expect(refusal(() => vnfWords("--cpu 0,1", 1)).why).toContain("--cpu");
  });

  test("all others go through, those that need a target too", () => {
    const vnf = "--drop 0.05 --reorder 0.05 --duplicate 0.02 --workers 4 --rewrite --unconnected";
    expect(vnfWords(vnf)).toEqual(vnf.split(" "));
    const load = "--arrivals burst --burst 5 --flows 16 --identical --count 60 --duration 1s";
    expect(loadWords(load)).toEqual(load.split(" "));
  });
});

describe("columns of a sweep that say what a flag says", () => {
  const path = textFile(testFolder(), "loads", "1 1 0 1k 64 0 workers=2 flows=4 cpu=0\n");
  const runs = readSweep([path]);

  test.each([
    ["--workers=4", "", "--vnf-args and the column workers"],
    ["--cpu=1", "", "--vnf-args and the column cpu"],
    ["", "--flows=4", "--load-args and the column flows"],
  ])("%j, %j: refused, with the line", (vnf, load, text) => {
    const words = { vnfArgs: vnfWords(vnf), loadArgs: loadWords(load) };
    const { what } = refusal(() => refuseColumnsTwice(runs, words));
    expect(what).toBe(`${text} of ${path}:1 say the same`);
  });

  test("others go on", () => {
    const words = { vnfArgs: vnfWords("--drop 0.1"), loadArgs: loadWords("--cpu 0") };
    expect(() => refuseColumnsTwice(runs, words)).not.toThrow();
  });
});

function refusal(act: () => unknown): KomonError {
  try {
    act();
  } catch (error) {
    if (error instanceof KomonError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
