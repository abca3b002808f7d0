import { type ExitCode, usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { mayColour, print } from "../base/output.ts";
import { counted } from "../base/units.ts";
import { lockFolder } from "../kernel/lock.ts";
import { gaps } from "../model/run.ts";
import { formats, type Table } from "../model/table.ts";
import { defaultWait, waits } from "../model/wait.ts";
import { rungs } from "../probes/vnf/hooks.ts";
import { manifest } from "../run/manifest.ts";
import { formatTable } from "../sinks/format.ts";
import { aboutText, expectedNs } from "../sweep/estimate.ts";
import { boundSpans, findMaxima } from "../sweep/findMax.ts";
import { readSweepFile, type SweepPlan } from "../sweep/manifest.ts";
import { ordered, orders } from "../sweep/order.ts";
import { Progress } from "../sweep/progress.ts";
import { readFiles, runsOf, type SweepRun } from "../sweep/runs.ts";
import { seedOf } from "../sweep/seeds.ts";
import { Storage } from "../sweep/storage.ts";
import { Sweep } from "../sweep/sweep.ts";
import { intervalTable, maxTable, outcomeTable, planTable } from "../sweep/tables.ts";
import { repeatUntil } from "../sweep/untilCi.ts";
import { requireTestbedRights } from "../testbed/permit.ts";
import { removeStale } from "../testbed/stale.ts";
import type { ValuesOf } from "./args.ts";
import { refuseColumnsTwice } from "./childFlags.ts";
import { btf, defineCommand, Exit, flag, positional } from "./define.ts";
import { requireReceiver } from "./external.ts";
import { defaultReps, type Goal, goalOf } from "./sweep/goals.ts";
import { measurer } from "./sweep/measure.ts";
import { maxNotes } from "./sweep/notes.ts";
import { commonOptions, planOf } from "./sweep/plan.ts";

const args = {
  files: positional.list({ help: "parameter files; params/README.md", required: true }),
  reps: flag.int({ help: "runs of every line (default 5)", min: 1, max: 100_000 }),
  order: flag.choice(orders, { help: "random: against drift (default file)" }),
  seed: flag.int({ help: "for the order and all runs; else a new one", min: 0 }),
  out: flag.text({ help: "folder for the results", default: "results", alias: "o" }),
  resume: flag.boolean({ help: "go on with the sweep in --out" }),
  dryRun: flag.boolean({ help: "print the runs, and measure nothing", alias: "n" }),
  untilCi: flag.text({ help: "repeat until service p50 is known to 2%", hint: "SHARE" }),
  maxReps: flag.int({ help: "but so often at most (default 50)", min: 1, max: 100_000 }),
  findMax: flag.boolean({ help: "search each line's highest load without loss" }),
  p99: flag.duration({ help: "and with p99 of --span below this", min: 1 }),
  span: flag.choice(boundSpans, { help: "which --p99 bounds (default sojourn)" }),
  resolution: flag.text({ help: "how exactly to search (default 2%)", hint: "SHARE" }),
  step: flag.duration({ help: "how long to keep each load at least (default 3s)", max: 3.6e12 }),
  gap: flag.choice(gaps, { help: "the pause: SLEEP, Exp(SLEEP) or both", default: "fixed+exp" }),
  hooks: flag.choice(["auto", ...rungs], { help: "the rung to use", default: "auto" }),
  btf,
  cpu: flag.int({ help: "CPU of the VNF; else the last one", min: 0 }),
  port: flag.port({ help: "where the VNF receives", default: 1234 }),
  ipv6: flag.boolean({ help: "measure over IPv6", alias: "6" }),
  vnf: flag.choice(["example", "external"], {
    help: "external: one that already listens on --port",
    default: "example",
  }),
  vnfArgs: flag.text({
    help: "more flags for komon vnf",
    hint: "'…'",
    verbatim: true,
  }),
  loadArgs: flag.text({ help: "more flags for komon load", hint: "'…'", verbatim: true }),
  timeout: flag.duration({ help: "an interval that takes longer ends incomplete", min: 1e6 }),
  awake: flag.boolean({ help: "keep the CPUs from sleeping between packets" }),
  wait: flag.choice(waits, { help: "where the VNF waits for packets", default: defaultWait }),
  cost: flag.boolean({ help: "do not count what watching costs", default: true }),
  format: flag.choice(formats, { help: "of the result", default: "table" }),
};
type Given = ValuesOf<typeof args>;

export default defineCommand({
  name: "sweep",
  summary: "Runs every line of parameter files, each run saved before the next begins.",
  details: `Reads KOMon's parameter files of 2019 as they are, and more: comments, headers, lists, ranges, further
columns. All mistakes are named by file, line and column before anything runs. A run that fails is marked and the
rest goes on (exit code 1). After Ctrl-C or a crash --resume measures what is missing.`,
  example: `komon sweep params/calibration --reps 1
komon sweep params/loads --find-max --p99 200us --out max`,
  args,
  async run({ args, stop }) {
    const goal = goalOf(args);
    const files = readFiles(args.files);
    const runs = runsOf(files, goal.kind === "runs" ? (args.reps ?? defaultReps) : 1);
    const plan = planOf(args, goal, files);
    const common = commonOptions(args);
    refuseColumnsTwice(runs, common);
    if (args.dryRun) return dryRun(args, goal, plan, ordered(runs, plan.order, plan.seed));

    if (args.vnf === "external") requireReceiver(args.port);
    requireTestbedRights();
    const { out: folder, resume, gap } = args;
    new Storage(folder);
    using lock = lockFolder(folder);
    if (!lock) throw usageError(`another komon sweep is writing to ${folder}`, "wait for it");
    await removeStale();
    const progress = newProgress(goal.kind !== "runs");
    // Beyond the highest load intervals last as long as the queue: no need to wait for all of them.
    const limitNs = (run: SweepRun) => 2 * expectedNs(run, gap);
    const measure = measurer(common, stop, goal.kind === "find-max" ? limitNs : undefined);
    const host = manifest({ command: process.argv.slice(2) });
    const sweep = new Sweep({ folder, plan, resume, gap, host, measure, progress, stop });
    try {
      const code = await pursue(sweep, goal, runs, args);
      if (stop.aborted) log.info("interrupted; go on with the same command and --resume");
      return code;
    } finally {
      sweep.end();
    }
  },
});

/** Measures what the goal needs, and prints what was found. */
async function pursue(
  sweep: Sweep,
  goal: Goal,
  runs: readonly SweepRun[],
  args: Given,
): Promise<ExitCode> {
  const { plan, stop, gap } = sweep.options;
  const measureAll = sweep.measureAll.bind(sweep);
  const show = (table: (human: boolean) => Table) => {
    sweep.options.progress.end();
    const colour = mayColour("stdout");
    print(formatTable(args.format, table(args.format === "table"), { colour }));
  };
  const exit = (good: boolean) => (good || stop.aborted ? Exit.done : Exit.incomplete);
  if (goal.kind === "find-max") {
    const found = await findMaxima(runs, { goal, gap, measureAll });
    show((human) => maxTable(found, human));
    for (const note of maxNotes(found)) log.info(note);
    return exit(found.every(({ pps }) => pps !== undefined));
  }
  if (goal.kind === "until-ci") {
    const spansPath = sweep.spansPath.bind(sweep);
    const { order, seed } = plan;
    const found = await repeatUntil(runs, { goal, order, seed, measureAll, spansPath, stop });
    show((human) => intervalTable(found, human));
    const wide = found.filter(({ reached }) => !reached).length;
    if (wide > 0)
      log.warn(
        `${wide} of ${counted(found.length, "line")} ${found.length === 1 ? "is" : "are"} not known to ${args.untilCi}`,
      );
    return sweep.outcomes.some(isBad) ? Exit.incomplete : exit(wide === 0);
  }
  const outcomes = await measureAll(ordered(runs, plan.order, plan.seed));
  const ended = outcomes.filter(({ state }) => state !== "waiting");
  show((human) => outcomeTable(ended, human));
  const bad = ended.filter(isBad).length;
  if (bad > 0) log.warn(`${bad} of ${counted(ended.length, "run")} failed or incomplete`);
  return bad > 0 ? Exit.incomplete : Exit.done;
}

function isBad({ state }: { readonly state: string }): boolean {
  return state === "failed" || state === "incomplete";
}

function dryRun(
  { out, gap, format, resume }: Given,
  goal: Goal,
  { seed }: SweepPlan,
  runs: readonly SweepRun[],
): ExitCode {
  const storage = resume ? Storage.existing(out) : undefined;
  const planned = runs.map((run) => ({
    ...{ run, seed: seedOf(seed, run), expectedNs: expectedNs(run, gap) },
    done: storage?.done(run) !== undefined,
  }));
  const table = planTable(planned, format === "table");
  print(formatTable(format, table, { colour: mayColour("stdout") }));
  const waiting = planned.filter(({ done }) => !done);
  const total = waiting.reduce((sum, one) => sum + one.expectedNs, 0);
  const more = goal.kind === "runs" ? "" : `; ${goal.kind} runs as many as it needs`;
  log.info(`${counted(waiting.length, "run")} to measure, about ${aboutText(total)}${more}`);
  if (!resume && readSweepFile(out) !== undefined) {
    log.warn(
      `${out} holds a sweep already: without --dry-run this is refused; --resume goes on with it`,
    );
  }
  return Exit.done;
}

function newProgress(open: boolean): Progress {
  const live = process.stderr.isTTY === true && process.env.TERM !== "dumb";
  return new Progress({ live, open, columns: () => process.stderr.columns || 80 });
}
