import { describe, expect, test } from "bun:test";
import { goalOf } from "../../../src/commands/sweep/goals.ts";
import { runOptions } from "../../../src/commands/sweep/measure.ts";
import type { RunResult } from "../../../src/model/result.ts";
import { type MaxGoal, objectionTo } from "../../../src/sweep/findMax.ts";
import { readSweep } from "../../../src/sweep/runs.ts";
import { testFolder, textFile } from "../results/folder.ts";

const none = { reps: undefined, untilCi: undefined, maxReps: undefined, findMax: false };
const open = { resolution: undefined, step: undefined };
const flags = { ...none, ...open, p99: undefined, span: undefined };

describe("what a sweep is after", () => {
  test("every run, a narrow interval, the highest load", () => {
    expect(goalOf(flags)).toEqual({ kind: "runs" });
    expect(goalOf({ ...flags, untilCi: "2%", reps: 3, maxReps: 9 })).toEqual({
      ...{ kind: "until-ci", width: 0.02, minReps: 3, maxReps: 9 },
    });
    expect(goalOf({ ...flags, untilCi: "0.05" })).toMatchObject({ width: 0.05, minReps: 2 });
    expect(goalOf({ ...flags, findMax: true, p99: 2e5 })).toEqual({
      ...{ kind: "find-max", span: "sojourn", p99Ns: 2e5, resolution: 0.02, stepNs: 3e9 },
    });
  });

  test.each([
    [{ untilCi: "x%" }, '"x%"'],
    [{ untilCi: "0%" }, '"0%"'],
    [{ untilCi: "101%" }, '"101%"'],
    [{ untilCi: "2%", findMax: true }, "exclude each other"],
    [{ maxReps: 3 }, "--max-reps"],
    [{ untilCi: "2%", reps: 9, maxReps: 3 }, "--max-reps 3"],
    [{ p99: 1 }, "--p99"],
    [{ span: "service" as const }, "--span"],
    [{ resolution: "2%" }, "--resolution"],
    [{ untilCi: "2%", step: 1e9 }, "--step"],
    [{ findMax: true, reps: 3 }, "--reps"],
    [{ findMax: true, resolution: "2 %" }, "--resolution"],
  ])("%p is refused", (given, told) => {
    expect(() => goalOf({ ...flags, ...given })).toThrow(told);
  });
});

describe("whether a load holds", () => {
  const goal: MaxGoal = { span: "sojourn", p99Ns: 200_000, resolution: 0.02, stepNs: 1 };
  const run = readSweep([textFile(testFolder(), "one", "1 1 0 1k 64 0\n")])[0];
  const outcome = (sent: number, served: number, sentPps: number, p99Ns: number) => {
    const load = { offered_pps: 1000, sent_pps: sentPps, sent, refused: 0 };
    const vnf = { received: served, sent: served, dropped: 0, sent_twice: 0 };
    const result = { load, vnf, spans: { sojourn: { p99_ns: p99Ns } } } as unknown as RunResult;
    return { run, state: "done" as const, result };
  };

  const external = (matched: number, expired: number) => {
    const { result } = outcome(1000, 0, 1000, 1000);
    const coverage = { seen: matched + expired, matched, expired, in_flight: 0 };
    return {
      run,
      state: "done" as const,
      result: { ...result, vnf: undefined, coverage } as never,
    };
  };

  test.each([
    [external(1000, 0), undefined],
    [external(998, 2), "2 of 1000 packets lost"],
    [external(990, 0), "10 of 1000 packets lost"], // before the socket
    [outcome(1000, 1000, 1000, 200_000), undefined],
    [outcome(1000, 999, 1000, 1000), "1 of 1000 packets lost"],
    [outcome(1000, 1000, 980, 1000), "the load reached 980 of 1000 pps"],
    [outcome(1000, 1000, 1000, 200_001), "p99 of sojourn"],
    [outcome(1000, 1000, 1000, Number.NaN), "p99 of sojourn"],
    [{ run, state: "failed" as const, why: "gone" }, "gone"],
  ])("%#", (given, objection) => {
    const said = objectionTo(given, goal);
    if (objection === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(objection);
  });
});

test("columns become options and flags, and count more than the command's own", () => {
  const text =
    "1 1 0 1k 64 0 gap=exp hooks=tracepoint cpu=1 ipv6=yes workers=2 shared_socket=yes drop=0.5 " +
    "buffer=64KiB arrivals=burst burst=8 flows=4 identical=no\n";
  const [run] = readSweep([textFile(testFolder(), "options", text)]);
  const common = { gap: "fixed", hooks: "auto", port: 1, ipv6: false, cpu: 0, external: false };
  const more = { vnfArgs: ["--nice=0"], loadArgs: [], timeoutNs: undefined, cost: true };
  expect(runOptions(run, { ...common, ...more } as never, 5, "out")).toEqual({
    ...{ params: run.params, seed: 5, out: "out", port: 1, external: false, cost: true },
    ...{ gap: "exp", hooks: "tracepoint", cpu: 1, ipv6: true, timeoutNs: undefined },
    vnfArgs: ["--nice=0", "--workers=2", "--shared-socket", "--buffer=65536", "--drop=0.5"],
    loadArgs: ["--arrivals=burst", "--burst=8", "--flows=4"],
  });
});
