/** komon about itself: what it costs, what it has in the kernel, what it had to leave out. */
import { readdirSync, readFileSync } from "node:fs";
import { komonVersion } from "../base/version.ts";
import type { ProgramInfo } from "../kernel/info.ts";
import { libbpfVersion } from "../kernel/libbpf.ts";
import { pageBytes } from "../kernel/libc.ts";
import type { Metrics } from "../model/metric.ts";
import type { Collector, Family, Series } from "./family.ts";
import type { Limits } from "./limits.ts";

export const selfMetrics = {
  build: {
    name: "komon_build_info",
    type: "gauge",
    help: "Always 1; the versions in use.",
    labels: ["version", "bun", "libbpf"],
  },
  programs: {
    name: "komon_bpf_programs",
    type: "gauge",
    help: "BPF programs that komon has attached.",
    labels: ["probe"],
  },
  runs: {
    name: "komon_bpf_program_runs_total",
    type: "counter",
    help: "Runs of a BPF program, while the kernel's run statistics were on.",
    labels: ["probe", "program"],
  },
  runTime: {
    name: "komon_bpf_program_run_seconds_total",
    type: "counter",
    help: "Time in a BPF program, while the kernel's run statistics were on.",
    labels: ["probe", "program"],
  },
  misses: {
    name: "komon_bpf_program_misses_total",
    type: "counter",
    help: "Runs that the kernel left out because the program was active on that CPU.",
    labels: ["probe", "program"],
  },
  events: {
    name: "komon_events_total",
    type: "counter",
    help: "Events of BPF programs that were taken from their ring buffers and logs.",
    labels: ["probe"],
  },
  undecoded: {
    name: "komon_decode_errors_total",
    type: "counter",
    help: "Events that were of no known kind; they are left out.",
    labels: ["probe"],
  },
  folded: {
    name: "komon_series_folded_total",
    type: "counter",
    help: "Values that went to the series other because the metric had reached its limit of series.",
    labels: ["metric"],
  },
  scrapes: {
    name: "komon_scrapes_total",
    type: "counter",
    help: "Scrapes answered.",
    labels: [],
  },
  scrapeTime: {
    name: "komon_scrape_duration_seconds",
    type: "gauge",
    help: "How long it took to collect and write the answer to the scrape before this one.",
    labels: [],
  },
  reloads: {
    name: "komon_config_reloads_total",
    type: "counter",
    help: "Reloads of the configuration; a failed one leaves the old configuration in force.",
    labels: ["result"],
  },
  errors: {
    name: "komon_collect_errors_total",
    type: "counter",
    help: "Collections that failed.",
    labels: ["collector"],
  },
  cpu: {
    name: "process_cpu_seconds_total",
    type: "counter",
    help: "Total user and system CPU time spent in seconds.",
    labels: [],
  },
  resident: {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory size in bytes.",
    labels: [],
  },
  fds: {
    name: "process_open_fds",
    type: "gauge",
    help: "Number of open file descriptors.",
    labels: [],
  },
  start: {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "Start time of the process since unix epoch in seconds.",
    labels: [],
  },
} as const satisfies Metrics;

/** What a collector has in the kernel. */
export interface Watched {
  /** Those that are attached; a name may come several times. */
  programs(): Iterable<readonly [string, ProgramInfo]>;
  /** Events that came from the kernel, and how many of them were of no known kind. */
  readonly events?: { readonly taken: number; readonly undecoded: number };
}

type Runs = Pick<ProgramInfo, "runs" | "runTimeNs" | "recursionMisses">;

/** Programs of one name are one series. */
function byName(all: readonly (readonly [string, ProgramInfo])[]): Map<string, Runs> {
  const sums = new Map<string, Runs>();
  for (const [name, { runs, runTimeNs, recursionMisses }] of all) {
    const sum = sums.get(name) ?? { runs: 0, runTimeNs: 0, recursionMisses: 0 };
    sums.set(name, {
      runs: sum.runs + runs,
      runTimeNs: sum.runTimeNs + runTimeNs,
      recursionMisses: sum.recursionMisses + recursionMisses,
    });
  }
  return sums;
}

const clockTicks = 100;

export class SelfCollector implements Collector {
  scrapes = 0;
  lastScrapeSeconds = 0;
  readonly reloads = { success: 0, failure: 0 };
  readonly errors = new Map<string, number>();
  readonly #startSeconds = Math.round(Date.now() / 1000 - process.uptime());

  constructor(
    private readonly limits: Limits,
    private readonly probes: () => ReadonlyMap<string, Watched>,
  ) {}

  collect(): Family[] {
    const m = selfMetrics;
    const programs: Series[] = [];
    const infos: { labels: string[]; info: Runs }[] = [];
    const taken: Series[] = [];
    const undecoded: Series[] = [];
    for (const [probe, watched] of this.probes()) {
      const all = [...watched.programs()];
      programs.push({ labels: [probe], value: all.length });
      for (const [program, info] of byName(all)) infos.push({ labels: [probe, program], info });
      if (!watched.events) continue;
      taken.push({ labels: [probe], value: watched.events.taken });
      undecoded.push({ labels: [probe], value: watched.events.undecoded });
    }
    const each = (pick: (info: Runs) => number) =>
      infos.map(({ labels, info }) => ({ labels, value: pick(info) }));
    const one = (value: number): Series[] => [{ labels: [], value }];
    const named = (counts: Iterable<[string, number]>) =>
      Array.from(counts, ([name, value]) => ({ labels: [name], value }));
    const { cpuSeconds, residentBytes } = processUse();
    return [
      {
        metric: m.build,
        series: [{ labels: [komonVersion, Bun.version, libbpfVersion()], value: 1 }],
      },
      { metric: m.programs, series: programs },
      { metric: m.runs, series: each(({ runs }) => runs) },
      { metric: m.runTime, series: each(({ runTimeNs }) => runTimeNs / 1e9) },
      { metric: m.misses, series: each(({ recursionMisses }) => recursionMisses) },
      { metric: m.events, series: taken },
      { metric: m.undecoded, series: undecoded },
      { metric: m.folded, series: named(this.limits.foldedValues) },
      { metric: m.scrapes, series: one(this.scrapes) },
      { metric: m.scrapeTime, series: one(this.lastScrapeSeconds) },
      { metric: m.reloads, series: named(Object.entries(this.reloads)) },
      { metric: m.errors, series: named(this.errors) },
      { metric: m.cpu, series: one(cpuSeconds) },
      { metric: m.resident, series: one(residentBytes) },
      { metric: m.fds, series: one(readdirSync("/proc/self/fd").length) },
      { metric: m.start, series: one(this.#startSeconds) },
    ];
  }

  [Symbol.dispose](): void {}
}

/** From /proc: a few tens of µs. Fields of stat after the name: utime is the 12th, stime the 13th. */
function processUse(): { cpuSeconds: number; residentBytes: number } {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const statm = readFileSync("/proc/self/statm", "utf8").split(" ");
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / clockTicks,
    residentBytes: Number(statm[1]) * pageBytes(),
  };
}
