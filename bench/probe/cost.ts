/**
 * What a probe costs: komon and fping send 1,000 a second to the same 100 hosts, and are measured in turn. Both live
 * all the time, so start and compilation are over; the one whose turn it is not is stopped.
 */
import { readFileSync } from "node:fs";
import { libc, stableMemory } from "../../src/kernel/libc.ts";
import { komonCommand } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";
import { addHosts, hostFile } from "./hosts.ts";
import { sorted } from "./numbers.ts";

const pairs = 24;
const windowMs = 2500;
const settleMs = 300;
const warmUpMs = 12_000;
const tools = ["komon", "fping"] as const;
type Tool = (typeof tools)[number];

interface Window {
  /** Of the process, all threads, user and system. */
  readonly own: number;
  /** Of the whole machine, softirqs too. */
  readonly all: number;
}

const pace = ["-p", "100", "-f", hostFile, "-l", "-q"];
const commands = {
  komon: [...komonCommand, "probe", ...pace],
  fping: ["fping", "-i", "1", ...pace],
} as const;

export async function cost(pair: Pair): Promise<void> {
  await addHosts(pair, 100);
  const children = new Map(
    tools.map((tool) => {
      const words = pair.world.command(commands[tool]);
      return [tool, Bun.spawn(words, { stdio: ["ignore", "ignore", "ignore"] })];
    }),
  );
  const signal = (tool: Tool, name: NodeJS.Signals) => children.get(tool)?.kill(name);
  await Bun.sleep(warmUpMs);
  for (const tool of tools) signal(tool, "SIGSTOP");
  const found = { komon: [] as Window[], fping: [] as Window[] };
  const idle: number[] = [];
  for (let round = 0; round < pairs; round++) {
    for (const tool of round % 2 === 0 ? tools : tools.toReversed()) {
      signal(tool, "SIGCONT");
      await Bun.sleep(settleMs);
      found[tool].push(await measure(children.get(tool)?.pid));
      signal(tool, "SIGSTOP");
    }
    idle.push((await measure(undefined)).all);
  }
  for (const child of children.values()) child.kill("SIGKILL");
  await Promise.all([...children.values()].map(({ exited }) => exited));
  print(found, median(idle));
}

/** µs of CPU per probe, at 1,000 probes a second. */
async function measure(pid: number | undefined): Promise<Window> {
  const before = { own: pid ? processNs(pid) : 0, busy: busyNs(), at: performance.now() };
  await Bun.sleep(windowMs);
  const probes = performance.now() - before.at;
  const own = (pid ? processNs(pid) : 0) - before.own;
  return { own: own / 1e3 / probes, all: (busyNs() - before.busy) / 1e3 / probes };
}

function print(found: Readonly<Record<Tool, readonly Window[]>>, idle: number): void {
  console.log(`\nCPU at 1,000 probes/s to 100 hosts, ${pairs} pairs of ${windowMs / 1000} s`);
  for (const tool of tools) {
    const own = sorted(found[tool].map((window) => window.own));
    const all = median(found[tool].map((window) => window.all)) - idle;
    console.log(
      `${tool.padEnd(6)} ${median(own).toFixed(1)} µs per probe (${own[0].toFixed(1)}–${own.at(-1)?.toFixed(1)}); ` +
        `the whole machine ${all.toFixed(1)} µs more than idle`,
    );
  }
  const ratio = (pick: (window: Window) => number) =>
    sorted(found.komon.map((window, at) => pick(window) / pick(found.fping[at])));
  const own = ratio((window) => window.own);
  const all = ratio((window) => window.all - idle);
  const quartiles = `${own[pairs >> 2].toFixed(2)}–${own[(pairs * 3) >> 2].toFixed(2)}`;
  console.log(
    `komon / fping, by pairs: process ${median(own).toFixed(2)} (half of them ${quartiles}); ` +
      `machine ${median(all).toFixed(2)}`,
  );
}

function median(values: ArrayLike<number>): number {
  return sorted(values)[values.length >> 1];
}

const time = stableMemory(16);
const words = new Uint32Array(time.buffer);

/** CPU time of a process since it began, to the nanosecond: the clock that clock_getcpuclockid(3) names. */
function processNs(pid: number): number {
  const CPUCLOCK_SCHED = 2;
  if (libc.clock_gettime((~pid << 3) | CPUCLOCK_SCHED, time.address) !== 0) {
    throw new Error(`process ${pid} is gone`);
  }
  return words[0] * 1e9 + words[2];
}

/** All CPUs together: the time that was not idle, to 10 ms. */
function busyNs(): number {
  const lines = readFileSync("/proc/stat", "utf8").split("\n");
  const cpus = lines.filter((line) => /^cpu\d/.test(line)).length;
  const fields = lines[0].trim().split(/\s+/).map(Number);
  return performance.now() * 1e6 * cpus - (fields[4] + fields[5]) * 1e7;
}
