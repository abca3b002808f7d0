import { delayOf, intervalText, lawOf, newSeed, numberList } from "../../vnf/arguments.ts";
import { ResultFile } from "../../vnf/resultFile.ts";
import { type SampleLabels, sampleLines } from "../../vnf/samples.ts";
import { outcomeJson, outcomeText } from "../../vnf/summary.ts";
import { truthPieces } from "../../vnf/truth.ts";
import { Vnf, type VnfOptions } from "../../vnf/vnf.ts";
import { usageError } from "../base/errors.ts";
import { log, setTalk } from "../base/log.ts";
import { print } from "../base/output.ts";
import { counted } from "../base/units.ts";
import { parseEndpoint, socketAddress } from "../kernel/address.ts";
import { setNetns } from "../kernel/libc.ts";
import { dieWithParent } from "../kernel/process.ts";
import { largest } from "../model/run.ts";
import { defaultWait, waits } from "../model/wait.ts";
import type { ValuesOf } from "./args.ts";
import { defineCommand, Exit, flag, flagsGiven, readFlags } from "./define.ts";
import { within } from "./parse.ts";
import { stopOnce } from "./signals.ts";

const args = {
  port: flag.int({ help: "receive here; 0 = any free one", default: 1234, min: 0, max: 65535 }),
  address: flag.text({ help: "receive on this address; :: = IPv6 and IPv4", default: "0.0.0.0" }),
  target: flag.text({ help: "send here", hint: "ADDR:PORT" }),
  echo: flag.boolean({ help: "send back to the sender; so it is without --target" }),
  unconnected: flag.boolean({ help: "name the target in each send call, do not connect" }),
  delay: flag.text({
    help: "mean service time; bare = µs",
    default: "0",
    hint: "TIME",
    alias: "d",
  }),
  law: flag.text({ help: "0…4, or a name", default: "constant", hint: "LAW", alias: "r" }),
  flood: flag.boolean({ help: "no service time, whatever --delay and --law say", alias: "f" }),
  seed: flag.int({ help: "for service times and faults; else a new one", min: 0 }),
  workers: flag.int({ help: "threads", default: 1, min: 1, max: largest.workers }),
  sharedSocket: flag.boolean({ help: "one socket for all workers, not one each" }),
  cpu: flag.text({ help: "pin worker n to the n-th of these", hint: "CPU,…" }),
  nice: flag.int({ help: "nice value of the workers", min: -20, max: 19 }),
  buffer: flag.bytes({ help: "receive buffer", min: 2048, max: largest.bufferBytes }),
  netns: flag.text({ help: "run in this network namespace", hint: "NAME" }),
  drop: flag.float({ help: "chance to drop a packet", default: 0, min: 0, max: 1 }),
  reorder: flag.float({ help: "chance to send it after the next", default: 0, min: 0, max: 1 }),
  duplicate: flag.float({ help: "chance to send it twice", default: 0, min: 0, max: 1 }),
  rewrite: flag.boolean({ help: "change the first 64 bytes of every payload" }),
  wait: flag.choice(waits, { help: "where to wait for packets", default: defaultWait }),
  truth: flag.text({ help: "write when each packet came and went", hint: "FILE" }),
  samples: flag.int({ help: "packets per SIGUSR1", default: 1, min: 1, max: 2 ** 30, alias: "s" }),
  all: flag.boolean({ help: "sample every packet", alias: "a" }),
  log: flag.text({ help: "write sampled packets here, not on stdout", hint: "FILE", alias: "w" }),
  pps: flag.text({ help: "for --log's column 4", default: "0", alias: "p" }),
  bytes: flag.text({ help: "for --log's column 5; else each payload's size", alias: "b" }),
  interval: flag.text({ help: "for --log's column 6", default: "0", hint: "TIME", alias: "i" }),
  logLevel: flag.int({ help: "2 and more: as --verbose", min: 0, max: 3, alias: "l" }),
  format: flag.choice(["table", "json"], { help: "of the summary", default: "table" }),
  dieWithParent: flag.boolean({ help: "end when the parent process ends", hidden: true }),
};

const command = defineCommand({
  name: "vnf",
  summary: "The example VNF: mirrors UDP packets after a service time that it knows exactly.",
  details: `Prints one line of JSON on stdout when it serves. SIGUSR1 samples the next --samples packets,
SIGINT and SIGTERM end it with a summary. The letters are those of KOMon's udp-mirror.`,
  example:
    "komon vnf --port 1234 --target 10.0.1.1:1234 --delay 50us --law exponential --truth t.bin",
  args,
  async run({ args, stop }) {
    using signal = new SampleSignal(); // first of all: by default it would end the process
    if (args.dieWithParent) {
      stopOnce();
      dieWithParent();
    }
    if ((args.logLevel ?? 0) >= 2) setTalk("verbose");
    const options = optionsOf(args);
    const labels = labelsOf(args, options);

    if (args.netns !== undefined) setNetns(args.netns);
    const vnf = await Vnf.start(options);
    using truthFile = args.truth === undefined ? undefined : new ResultFile(args.truth);
    using logFile = args.log === undefined ? undefined : new ResultFile(args.log);
    const { port, tids } = vnf;
    print(
      `${JSON.stringify({ ready: "vnf", pid: process.pid, tids, port, seed: options.seed })}\n`,
    );
    signal.on(() => {
      vnf.startInterval(args.samples);
      log.debug(`SIGUSR1: sampling the next ${counted(args.samples, "packet")}`);
    });

    await Promise.race([stopped(stop), vnf.broken()]);
    const outcome = await vnf.stop();
    const lines = sampleLines(outcome.chunks, labels, args.all, logFile ? 0 : 1);
    const asJson = args.format === "json";
    log.info(outcomeText(outcome, options));
    inTurn(
      () => truthFile?.write(truthPieces(options, port, outcome.chunks)),
      () => logFile?.write([new TextEncoder().encode(lines)]),
      () => !logFile && lines && print(lines),
      () => asJson && print(`${JSON.stringify(outcomeJson(outcome, options, port))}\n`),
      () => {
        if (outcome.error) throw outcome.error;
      },
    );
    return Exit.done;
  },
});
export default command;

/** What it would be told by these words; a usage error where it would refuse them. */
export function readVnfFlags(words: readonly string[]): VnfOptions {
  return optionsOf(readFlags(command, args, words));
}

/** Keys of the flags that these words give. */
export function vnfFlagsIn(words: readonly string[]): readonly string[] {
  return flagsGiven(command, args, words);
}

function optionsOf(given: ValuesOf<typeof args>): VnfOptions {
  if (given.echo && given.target) {
    throw usageError("--echo and --target exclude each other", "drop one of the two");
  }
  if (given.unconnected && !given.target) {
    throw usageError("--unconnected needs a --target", "echoing never connects the socket");
  }
  return {
    address: socketAddress(given.address, given.port),
    target: given.target === undefined ? undefined : parseEndpoint(given.target),
    unconnected: given.unconnected,
    delayNs: given.flood ? 0 : within("--delay", () => delayOf(given.delay)),
    law: given.flood ? 0 : within("--law", () => lawOf(given.law)),
    seed: given.seed ?? newSeed(),
    workers: given.workers,
    sharedSocket: given.sharedSocket,
    cpus: numberList(given.cpu, "--cpu"),
    nice: given.nice,
    bufferBytes: given.buffer,
    faults: { drop: given.drop, reorder: given.reorder, duplicate: given.duplicate },
    rewrite: given.rewrite,
    wait: given.wait,
    keepAll: given.truth !== undefined || given.all,
  };
}

function labelsOf(given: ValuesOf<typeof args>, { delayNs }: VnfOptions): SampleLabels {
  const { pps, bytes = "", interval } = given;
  return { pps, bytes, interval: within("--interval", () => intervalText(interval)), delayNs };
}

/** Does all of it, whatever fails: a full device costs what was to lie there. Throws the first error, tells the others. */
function inTurn(...steps: readonly (() => unknown)[]): void {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      errors.push(error);
    }
  }
  for (const error of errors.slice(1)) log.warn(error instanceof Error ? error.message : error);
  if (errors.length > 0) throw errors[0];
}

/** SIGUSR1, from before anybody listens on: one that comes early is kept. */
class SampleSignal implements Disposable {
  #early = false;
  #listener = () => {
    this.#early = true;
  };
  readonly #onSignal = () => this.#listener();

  constructor() {
    process.on("SIGUSR1", this.#onSignal);
  }

  on(listener: () => void): void {
    this.#listener = listener;
    if (this.#early) listener();
  }

  [Symbol.dispose](): void {
    process.off("SIGUSR1", this.#onSignal);
  }
}

function stopped(stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (stop.aborted) resolve();
  stop.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
