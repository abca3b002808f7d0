import { failuresIn } from "../../../deploy/failures.ts";
import { matrixSeries, type Series } from "../series.ts";
import { type Check, Complaint, isSince } from "./check.ts";

const all: readonly Series[] = matrixSeries;

/** What some kernels lack, so that tests are skipped there for this reason, and nowhere else. */
interface Lack {
  readonly reason: string;
  readonly by: (version: string) => boolean;
  /** None of the file's tests can run without it. */
  readonly whole?: true;
}

interface File {
  readonly on: readonly Series[];
  readonly lack?: Lack;
  /** Variables for the test. */
  readonly env?: string;
  /** Where what happens at the same time matters most; one takes a third less of the machine's time. */
  readonly cpus?: 2;
  /** The first version that can do this at all. */
  readonly from?: string;
  /** Only tests whose name, with that of their group before it, this expression finds. */
  readonly only?: string;
}

const noTracepoint: Lack = {
  reason: "this kernel has no sock_recv_length",
  by: (version) => !isSince(version, "6.3"),
  whole: true,
};
const noTun: Lack = { reason: "there is no /dev/net/tun", by: () => true };
const noUdpLite: Lack = {
  reason: "this kernel has no UDP-Lite",
  by: (version) => isSince(version, "7.1"),
};

/** With `--everywhere` alone: what the kernel decides little about, or takes minutes in emulation. */
const none: readonly Series[] = [];

/** Emulation is 10 to 20 times slower: what draws a million frames on a host draws these. */
const fewFrames = "KOMON_TEST_FRAMES=20000";

const onKprobe = "KOMON_TEST_HOOKS=kprobe";

/**
 * Files of tests/kernel (and how, where that is not the usual way), and the series that they run on: what the kernel
 * decides most about on all, the rest on one or two that differ, and of what takes minutes a part.
 * All of it is to be done in a quarter of an hour on two cores. Files that are not
 * named need what the guest lacks (a browser, other people's VNFs, Prometheus, more modules) or time that is worth
 * something, and are left to the host.
 */
const files: Readonly<Record<string, File>> = {
  "vnf-probe-fentry": { on: all, cpus: 2 },
  "vnf-probe-kprobe": { on: all, cpus: 2 },
  "vnf-probe-tracepoint": { on: all, lack: noTracepoint, cpus: 2 },
  "vnf-probe, all faults": {
    ...{ on: ["stable"], only: "all of it; equal|could not follow", cpus: 2 },
    env: "KOMON_TEST_PPS=1k",
  },
  "vnf-probe": { on: none, env: "KOMON_TEST_PPS=500", cpus: 2 },
  "vnf-truth": { on: none },
  "suffers-vlan": { on: ["5.10", "next"] },
  "suffers-packets": { on: ["next"], lack: noUdpLite },
  "suffers-packets on kprobe": { on: ["6.1"], env: onKprobe, lack: noUdpLite },
  "suffers-sends": { on: ["5.10"] },
  "suffers-sends on kprobe": { on: ["6.1"], env: onKprobe },
  "suffers-paths": { on: ["next"] },
  "suffers-host": { on: ["6.1"] },
  "suffers-process": { on: none, cpus: 2 },
  "fuzz-vnf": { on: ["5.10", "stable"], env: fewFrames },
  "fuzz-forward": { on: ["5.10", "next"], env: fewFrames },
  "xdp-refusal": { on: ["5.10", "next"] },
  "attach, ctl and cat": { on: ["5.10"], only: "ctl and cat alone" },
  attach: { on: none },
  "attach, side by side": { on: ["6.12"], only: "side by side|a second attach" },
  "attach-ends": { on: none },
  "probe-answers": { on: ["5.10"] },
  "probe-ends": { on: ["5.10"] },
  "probe-frames": { on: ["6.1", "next"] },
  "probe-fuzz": { on: ["6.1", "stable"], env: fewFrames },
  "probe-reflect-fuzz": { on: ["next"], env: fewFrames },
  "probe-faults": { on: none },
  "probe-log": { on: ["5.10"] },
  "probe-usage": { on: none },
  // Emulation has no microseconds: what they are in the median is left to the host.
  trace: { on: ["6.1"], from: "5.15", only: "^(?!.*in the median)" },
  "trace-rtt": { on: ["6.1", "next"], from: "5.15", lack: noTun },
  "privilege, what stays": { on: ["6.1"], only: "the main job|the doctor|are given up" },
  privilege: { on: none },
  run: { on: none },
  "run-ends": { on: none },
  "monitor-where, router": { on: ["stable"], only: "a router" },
  "monitor-where": { on: none },
  monitor: { on: none },
  load: { on: none },
  testbed: { on: none },
  "testbed-ends": { on: none },
  cleanup: { on: none },
};

/** The project's own tests against a kernel, a check for each file, as on any machine. */
export const suiteChecks: readonly Check[] = Object.entries(files)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, { on, lack, env, only, from, cpus = 1 }]) => ({
    name: `tests: ${name}`,
    kernels: on,
    ...(from && { from }),
    komon: true,
    project: true,
    cpus,
    // Emulation is 10 to 20 times slower; bun's own limit of a test is 5 s.
    seconds: 480,
    script: [
      "cd /t/project &&",
      ...(env ? [env] : []),
      `bun test ./tests/kernel/${/^[\w-]+/.exec(name)?.[0]}.test.ts --timeout 120000`,
      ...(only ? [`-t '${only}'`] : []),
    ].join(" "),
    expected: () => "works",
    judge: ({ exit, stderr }, version) =>
      judgeTests(exit, stderr, lack?.by(version) ? lack : undefined),
  }));

/**
 * bun prints to standard error: a line for each test, then ` 15 pass`, ` 1 skip`, ` 0 fail`. A test may be skipped for
 * what this kernel lacks; then some have to be.
 */
export function judgeTests(
  exit: number,
  output: string,
  lack?: Pick<Lack, "reason" | "whole">,
): string {
  const counted = (word: string) =>
    Number(new RegExp(`^ (\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  const [passed, skipped, failed] = ["pass", "skip", "fail"].map(counted);
  if (exit !== 0 || failed !== 0 || passed + skipped === 0) {
    const late = exit === 137 ? " (it took too long)" : "";
    const head = `${failed} of its tests failed, exit code ${exit}${late}`;
    throw new Complaint([head, ...new Set(failuresIn(output))].join("\n"));
  }
  // Of a file with many tests bun tells the skipped ones a second time, in front of the counts.
  const [told] = output.split(/^\d+ tests? skipped:$/m);
  const reasons = [...told.matchAll(/^\(skip\) .*\(skipped: (.*?)\)/gm)].map(([, why]) => why);
  const expected = lack ? reasons.filter((why) => why === lack.reason).length : 0;
  if (skipped !== expected) throw new Complaint(`skipped: ${[...new Set(reasons)].join("; ")}`);
  if (lack && skipped === 0) throw new Complaint(`nothing was skipped, though ${lack.reason}`);
  if (lack?.whole && passed > 0) throw new Complaint(`${passed} passed, though ${lack.reason}`);
  if (lack?.whole) return `skipped: ${lack.reason}`;
  return skipped === 0 ? `${passed} passed` : `${passed} passed, ${skipped} skipped`;
}
