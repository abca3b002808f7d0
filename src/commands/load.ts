import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { print } from "../base/output.ts";
import { counted } from "../base/units.ts";
import { parseEndpoint } from "../kernel/address.ts";
import { setNetns } from "../kernel/libc.ts";
import { dieWithParent } from "../kernel/process.ts";
import { arrivalKinds } from "../load/arrivals.ts";
import { Load, type LoadOptions } from "../load/load.ts";
import { type LoadReport, loadReport, loadText } from "../load/report.ts";
import { largest } from "../model/run.ts";
import { defineCommand, Exit, flag, flagsGiven, positional, readFlags } from "./define.ts";
import { stopOnce } from "./signals.ts";

const args = {
  target: positional.text({ help: "where to send: 10.0.0.2:1234 or [::1]:1234", required: true }),
  pps: flag.rate({ help: "packets per second", default: 1000, alias: "r", max: largest.pps }),
  size: flag.bytes({ help: "UDP payload", default: 128, max: 65_527 }),
  arrivals: flag.choice(arrivalKinds, { help: "when packets leave", default: "constant" }),
  burst: flag.int({ help: "packets per burst; the rate stays", min: 1, max: largest.burst }),
  count: flag.int({ help: "packets to send", min: 1, alias: "n" }),
  duration: flag.duration({ help: "how long to send", min: 1 }),
  identical: flag.boolean({ help: "every packet carries the same payload" }),
  seed: flag.int({ help: "for Poisson arrivals", default: 1, min: 0 }),
  flows: flag.int({ help: "source ports, taken in turn", default: 1, min: 1, max: largest.flows }),
  sourcePort: flag.port({ help: "the first source port; else any" }),
  cpu: flag.int({ help: "pin to this CPU", min: 0 }),
  netns: flag.text({ help: "send from this network namespace", hint: "NAME" }),
  format: flag.choice(["table", "json"], { help: "of the result", default: "table" }),
  ready: flag.boolean({ help: "say so on stdout when ready to send", hidden: true }),
  waitGo: flag.boolean({ help: "begin when a line comes on stdin", hidden: true }),
  dieWithParent: flag.boolean({ help: "end when the parent process ends", hidden: true }),
};

const command = defineCommand({
  name: "load",
  summary: "Sends UDP packets at a given rate and says how well it kept it.",
  details: `Sends by an absolute schedule: what is overdue leaves at once and in order, nothing is skipped.
Without --count and --duration it sends until it is stopped.`,
  example: "komon load 10.0.0.2:1234 --pps 10k --duration 10s",
  args,
  async run({ args, stop }) {
    if (args.dieWithParent) {
      stopOnce();
      dieWithParent();
    }
    const options = optionsOf(args);
    if (args.netns !== undefined) setNetns(args.netns);
    const load = new Load(options);
    const tid = await load.tid;
    const onStop = () => load.stop();
    stop.addEventListener("abort", onStop, { once: true });
    if (stop.aborted) onStop();
    if (args.ready || args.waitGo) {
      print(`${JSON.stringify({ ready: "load", pid: process.pid, tids: [tid] })}\n`);
    }
    const go = !args.waitGo || (await Promise.race([goAhead(), stopped(stop)])) === "go";
    if (go) load.go();
    else load.stop();

    const report = loadReport(options, await load.done);
    print(args.format === "json" ? `${JSON.stringify(report)}\n` : loadText(report));
    if (!go && !stop.aborted) log.warn("no go-ahead came on stdin: nothing was sent");
    const missing = complaint(report, stop.aborted || !go);
    return missing || !go ? Exit.incomplete : Exit.done;
  },
});
export default command;

/** What it would be told by these words; a usage error where it would refuse them. */
export function readLoadFlags(words: readonly string[]): LoadOptions {
  return optionsOf(readFlags(command, args, words));
}

/** Keys of the flags that these words, the target among them, give. */
export function loadFlagsIn(words: readonly string[]): readonly string[] {
  return flagsGiven(command, args, words);
}

interface LoadArgs extends Omit<LoadOptions, "target" | "payloadBytes" | "burst" | "durationNs"> {
  readonly target: string;
  readonly size: number;
  readonly burst: number | undefined;
  readonly duration: number | undefined;
}

function optionsOf(args: LoadArgs): LoadOptions {
  if (!(args.pps > 0)) throw usageError("--pps must be above zero", "for example --pps 1k");
  if (args.burst !== undefined && args.arrivals !== "burst") {
    throw usageError(
      `--burst says nothing with --arrivals ${args.arrivals}`,
      "add --arrivals burst",
    );
  }
  const { pps, arrivals, count, identical, seed, cpu, sourcePort, flows } = args;
  if (sourcePort !== undefined && sourcePort + flows - 1 > 65_535) {
    throw usageError(`${flows} flows from port ${sourcePort} on go beyond port 65535`);
  }
  return {
    target: parseEndpoint(args.target),
    payloadBytes: args.size,
    burst: args.burst ?? 10,
    durationNs: args.duration,
    ...{ pps, arrivals, count, identical, seed, cpu, sourcePort, flows },
  };
}

/** Says what is missing; true when something is, and nobody asked for less. */
function complaint(report: LoadReport, stopped: boolean): boolean {
  const { refused, unsent, errors, target } = report;
  if (refused > 0) {
    const nobody = errors.ECONNREFUSED ? `; nobody listens on ${target}` : "";
    log.warn(`${packetsWere(refused)} refused${nobody}`);
  }
  if (unsent > 0 && !stopped) {
    log.warn(`${packetsWere(unsent)} not sent: this machine cannot send that fast`);
  }
  return refused > 0 || (unsent > 0 && !stopped);
}

function packetsWere(count: number): string {
  return `${counted(count, "packet")} ${count === 1 ? "was" : "were"}`;
}

/** The first line of stdin; empty when it ends before. */
async function goAhead(): Promise<string> {
  for await (const line of console) return line.trim();
  return "";
}

function stopped(stop: AbortSignal): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  stop.addEventListener("abort", () => resolve("stop"), { once: true });
  return promise;
}
