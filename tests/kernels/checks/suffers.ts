import type { RunResult } from "../../../src/model/result.ts";
import { type Check, Complaint, type Evidence, same } from "./check.ts";

/** What no test may do to the machine that it runs on, since others use that: a guest can bear it. */

const [intervals, sampled] = [12, 23];

/** A run, and what befalls it once it has written so many rows. */
function during(events: Readonly<Record<number, string>>): string {
  return [
    "rows() { cat KERNEL_* 2>/dev/null | wc -l; }",
    "until_rows() { while [ -d /proc/$run ] && [ $(rows) -lt $1 ]; do sleep 0.1; done; }",
    `komon run ${intervals} ${sampled} 0 50 128 0 --format json --out . --seed 1 & run=$!`,
    ...Object.entries(events).map(([rows, line]) => `until_rows ${rows}; ${line}`),
    "wait $run",
  ].join("\n");
}

/** Every packet is seen and matched, none wrongly, and no span is longer than the run was. */
function judgeRun({ exit, stdout, ms }: Evidence): void {
  same("the exit code", exit, 0);
  const result = JSON.parse(stdout) as RunResult;
  const { seen, matched, lost, collided, expired } = result.coverage;
  const coverage = { seen, matched, lost, collided, expired };
  const sent = result.load?.sent;
  same("coverage", coverage, { seen: sent, matched: sent, lost: 0, collided: 0, expired: 0 });
  same("wrong pairs", result.manifest.wrong_pairs, 0);
  same("packets sampled", result.spans.service?.count, intervals * sampled);
  for (const [span, figures] of Object.entries(result.spans)) {
    if (!figures || figures.count === 0) continue;
    if (figures.max_ns > ms * 1e6)
      throw new Complaint(`${span} has a packet of ${figures.max_ns} ns`);
  }
}

const online = "/sys/devices/system/cpu/online";
const cpu = "/sys/devices/system/cpu/cpu1/online";

/** The VNF's own CPU: it is pinned to the last. */
const cpuCheck: Check = {
  name: "a CPU taken away",
  kernels: ["stable"],
  komon: true,
  script: [
    during({
      46: `echo 0 >${cpu}; cat ${online} >while`,
      138: `cat ${online} >until; echo 1 >${cpu}`,
    }),
    "code=$?",
    `echo 0 >${cpu}`,
    `komon run 1 ${sampled} 0 50 128 0 --format json --out one >one.json || code=$?`,
    `echo 1 >${cpu}`,
    "exit $code",
  ].join("\n"),
  expected: () => "works",
  judge(evidence) {
    const { while: from, until } = evidence.files;
    same("the CPUs meanwhile", [from, until], ["0\n", "0\n"]);
    judgeRun(evidence);
    const { coverage, load } = JSON.parse(evidence.files["one.json"]) as RunResult;
    same("matched on one CPU", coverage.matched, load?.sent);
    return "all matched";
  },
};

/** An hour forward, two back; monitor and run go by another clock. */
const clockCheck: Check = {
  name: "the clock set",
  kernels: ["stable"],
  komon: true,
  script: [
    "now=$(date +%s)",
    "komon monitor --port 1234 --interval 1s --count 8 --format jsonl >monitor & monitor=$!",
    during({ 46: "date -s @$((now + 3600)) >date", 138: "date -s @$((now - 3600)) >date" }),
    "code=$?",
    "wait $monitor || code=$?",
    "date -s @$now >date",
    "exit $code",
  ].join("\n"),
  expected: () => "works",
  judge(evidence) {
    judgeRun(evidence);
    const rows = evidence.files.monitor.trim().split("\n");
    const times = rows.map((row) => JSON.parse(row) as { seconds: number; time: string });
    const wrong = times.find(({ seconds }) => !(seconds > 0 && seconds < evidence.ms / 1000));
    if (wrong) throw new Complaint(`an interval of ${wrong.seconds} s`);
    same("intervals", new Set(times.map(({ time }) => time)).size, 8);
    const clock = times.map(({ time }) => Date.parse(time));
    if (Math.max(...clock) - Math.min(...clock) < 3600e3) throw new Complaint("it was not set");
    return "all matched";
  },
};

export const suffersChecks: readonly Check[] = [cpuCheck, clockCheck];
