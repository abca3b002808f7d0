import { basename, join } from "node:path";
import { Glob } from "bun";
import { failuresIn } from "../../../deploy/failures.ts";
import { matrixSeries, type Series } from "../series.ts";
import { type Check, Complaint } from "./check.ts";

const directory = join(import.meta.dir, "..", "..", "kernel");

const all: readonly Series[] = matrixSeries;

/**
 * Files of tests/kernel, and the series that they run on: what the kernel decides most about on all, the rest where it
 * differs most, or on one. Emulation makes minutes of seconds: with `--everywhere` each runs on each, which takes an
 * hour. Fuzzing, soaking, pacing and a hundred kills are left to the machine's own kernel.
 */
const files: Readonly<Record<string, readonly Series[]>> = {
  "vnf-probe-fentry": all,
  "vnf-probe-kprobe": all,
  "vnf-probe-tracepoint": all,
  "suffers-vlan": all,
  attach: ["5.10"],
  probe: ["5.10"],
  trace: ["5.10", "stable"],
  privilege: ["6.1"],
  cleanup: ["6.1"],
  load: ["6.1"],
  "trace-rtt": ["6.1"],
  run: ["6.12"],
  testbed: ["6.12"],
  "vnf-truth": ["6.12"],
  monitor: ["stable"],
  "vnf-probe": ["stable"],
};

/** The project's own tests against a kernel, a check for each file, as on any machine. */
export const suiteChecks: readonly Check[] = [...new Glob("*.test.ts").scanSync(directory)]
  .map((file) => basename(file, ".test.ts"))
  .filter((name) => name in files)
  .sort()
  .map((name) => ({
    name: `tests: ${name}`,
    kernels: files[name],
    komon: true,
    project: true,
    // Emulation is 10 to 20 times slower; bun's own limit of a test is 5 s.
    seconds: 480,
    script: `cd /t/project && bun test ./tests/kernel/${name}.test.ts --timeout 120000`,
    expected: () => "works",
    judge: ({ exit, stderr }) => judgeTests(exit, stderr),
  }));

/** bun prints to standard error: a line for each test, then ` 15 pass`, ` 1 skip`, ` 0 fail`. */
export function judgeTests(exit: number, output: string): string {
  const counted = (word: string) => new RegExp(`^ (\\d+) ${word}$`, "m").exec(output)?.[1] ?? "0";
  const [passed, skipped, failed] = ["pass", "skip", "fail"].map(counted);
  if (exit !== 0 || failed !== "0" || (passed === "0" && skipped === "0")) {
    const late = exit === 137 ? " (it took too long)" : "";
    const head = `${failed} of its tests failed, exit code ${exit}${late}`;
    throw new Complaint([head, ...new Set(failuresIn(output))].join("\n"));
  }
  return skipped === "0" ? `${passed} passed` : `${passed} passed, ${skipped} skipped`;
}
