import { delayOf, lawOf, newSeed } from "../../vnf/arguments.ts";
import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { parseBytes, parseDurationNs, parseInteger, parseRate } from "../base/units.ts";
import { requireCpu } from "../kernel/process.ts";
import { isLaw, type Law } from "../model/laws.ts";
import { gaps, largest, type RunParams } from "../model/run.ts";
import { defaultWait, type Wait, waits } from "../model/wait.ts";
import { rungs } from "../probes/vnf/hooks.ts";
import { refuseExisting } from "../results/runFile.ts";
import { calibrate } from "../run/calibrate.ts";
import { measure } from "../run/measure.ts";
import type { RunOptions } from "../run/options.ts";
import { removeStale } from "../testbed/stale.ts";
import type { ValuesOf } from "./args.ts";
import { loadWords, vnfWords } from "./childFlags.ts";
import { btf, defineCommand, Exit, flag, positional } from "./define.ts";
import { requireReceiver } from "./external.ts";
import { within } from "./parse.ts";
import { tellRun } from "./tellRun.ts";

const args = {
  intervals: positional.text({ help: "sampled intervals", required: true }),
  packets: positional.text({ help: "packets sampled in each", required: true }),
  sleep: positional.text({ help: "pause between them; bare = seconds", required: true }),
  pps: positional.text({ help: "packets sent per second", required: true }),
  size: positional.text({ help: "UDP payload in bytes", required: true }),
  delay: positional.text({ help: "mean service time; bare = µs", required: true }),
  law: positional.text({ help: "of the service time: 0…4 or a name (default 0)" }),
  gap: flag.choice(gaps, { help: "the pause: SLEEP, Exp(SLEEP) or both", default: "fixed+exp" }),
  hooks: flag.choice(["auto", ...rungs], { help: "the rung to use", default: "auto" }),
  btf,
  rep: flag.int({
    help: "number of the repetition, for file names",
    default: 1,
    min: 1,
    max: largest.rep,
  }),
  out: flag.text({ help: "folder for the result files", default: "results", alias: "o" }),
  seed: flag.int({ help: "for service times, arrivals and pauses; else a new one", min: 0 }),
  cpu: flag.int({ help: "CPU of the VNF; else the last one", min: 0 }),
  port: flag.port({ help: "where the VNF receives", default: 1234 }),
  ipv6: flag.boolean({ help: "measure over IPv6", alias: "6" }),
  vnf: flag.choice(["example", "external"], {
    help: "external: one that already listens on --port",
    default: "example",
  }),
  vnfArgs: flag.text({
    help: "further flags for komon vnf",
    hint: "'…'",
    verbatim: true,
  }),
  loadArgs: flag.text({
    help: "further flags for komon load",
    hint: "'…'",
    verbatim: true,
  }),
  timeout: flag.duration({ help: "an interval that takes longer ends incomplete", min: 1e6 }),
  awake: flag.boolean({ help: "keep the CPUs from sleeping between packets" }),
  wait: flag.choice(waits, { help: "where the VNF waits for packets", default: defaultWait }),
  calibrate: flag.boolean({ help: "first measure the instrument's own offset, and keep it" }),
  cost: flag.boolean({ help: "do not count what watching costs", default: true }),
  format: flag.choice(["table", "json"], { help: "of the result", default: "table" }),
};

export default defineCommand({
  name: "run",
  summary: "Measures one VNF under one load on the built-in testbed, against the truth.",
  details: `Builds the testbed, starts the example VNF and the load, watches every packet in the kernel, samples
PACKETS packets in each of INTERVALS intervals, and compares them one by one with what the VNF itself says.
Writes KERNEL_, VNF_, BUFFER_, SPANS_ and RUN_ files to --out.`,
  example: "komon run 10 100 0.1 1000 128 50 1",
  args,
  async run({ args, stop }) {
    const options = optionsOf(args);
    if (options.external) requireReceiver(options.port);
    refuseExisting(args.out, options.params);
    await removeStale();
    if (args.calibrate) {
      const step = (done: number, of: number) => log.info(`calibrating: ${done + 1} of ${of}`);
      const calibration = await calibrate(calibrationOptions(args.hooks, args), stop, step);
      if (!calibration) {
        log.info("interrupted: an earlier calibration stays as it was, and nothing is measured");
        return Exit.done;
      }
    }
    const measured = await measure(options, stop, (done, of) =>
      log.debug(`interval ${done} of ${of}`),
    );
    return tellRun(measured, args.out, args.format);
  },
});

/** A run with the defaults of every flag. */
export function defaultRun(
  given: Partial<RunParams> & { hooks?: RunOptions["hooks"]; out?: string },
): RunOptions {
  const { hooks = "auto", out, ...params } = given;
  return {
    params: {
      ...{ intervals: 10, packets: 100, sleepNs: 1e8, pps: 1000, sizeBytes: 128, delayNs: 0 },
      ...{ law: 0, rep: 1, ...params },
    },
    ...{ gap: "fixed+exp", hooks, seed: newSeed(), out, port: 1234, ipv6: false, cpu: undefined },
    ...{ external: false, vnfArgs: [], loadArgs: [], timeoutNs: undefined, cost: true },
  };
}

/** The example VNF as the calibration drives it; the calibration sets load and service time itself. */
export function calibrationOptions(
  hooks: RunOptions["hooks"],
  { awake, wait }: { awake: boolean; wait: Wait },
): RunOptions {
  return { ...defaultRun({ hooks }), awake, wait };
}

function optionsOf(given: ValuesOf<typeof args>): RunOptions {
  if (given.cpu !== undefined) requireCpu(given.cpu);
  return {
    params: paramsOf(given),
    gap: given.gap,
    hooks: given.hooks,
    seed: given.seed ?? newSeed(),
    out: given.out,
    port: given.port,
    ipv6: given.ipv6,
    cpu: given.cpu,
    external: given.vnf === "external",
    vnfArgs: vnfWords(given.vnfArgs, given.cpu),
    loadArgs: loadWords(given.loadArgs),
    timeoutNs: given.timeout,
    cost: given.cost,
    awake: given.awake,
    wait: given.wait,
  };
}

function paramsOf(given: ValuesOf<typeof args>): RunParams {
  const bare = /^[0-9.]+$/;
  const sleep = bare.test(given.sleep) ? `${given.sleep}s` : given.sleep;
  const pps = within("PPS", () => parseRate(given.pps, { max: largest.pps }));
  if (!(pps > 0)) throw usageError("PPS must be above zero", "for example 1000");
  return {
    intervals: within("INTERVALS", () =>
      parseInteger(given.intervals, { min: 1, max: largest.intervals }),
    ),
    packets: within("PACKETS", () => parseInteger(given.packets, { min: 1, max: largest.packets })),
    sleepNs: within("SLEEP", () => parseDurationNs(sleep, { max: largest.sleepNs })),
    pps,
    sizeBytes: within("SIZE", () => parseBytes(given.size, { max: largest.sizeBytes })),
    delayNs: within("DELAY", () => delayOf(given.delay)),
    law: given.law === undefined ? 0 : lawNumber(given.law),
    rep: given.rep,
  };
}

function lawNumber(text: string): Law {
  const law = lawOf(text);
  if (!isLaw(law)) throw usageError(`LAW "${text}" is unknown`, "0, 1, 2, 3 or 4");
  return law;
}
