import { basename, join } from "node:path";
import { Glob } from "bun";
import { failuresIn } from "../../../deploy/failures.ts";
import { type Check, Complaint } from "./check.ts";

const directory = join(import.meta.dir, "..", "..", "kernel");

/**
 * Files of tests/kernel: those that the kernel decides most about run on every kernel, those that
 * user space decides about as well at the ends of the range. Emulation makes minutes of seconds, so
 * the others are left to the machine's own kernel: fuzzing, soaking, pacing, a hundred kills.
 */
const everywhere = [
  ...["attach", "probe", "run", "suffers-vlan", "trace"],
  ...["vnf-probe", "vnf-probe-fentry", "vnf-probe-kprobe", "vnf-probe-tracepoint"],
];
const atTheEnds = ["cleanup", "load", "monitor", "privilege", "testbed", "trace-rtt", "vnf-truth"];

/** The project's own tests against a kernel, a check for each file, as on any machine. */
export const suiteChecks: readonly Check[] = [...new Glob("*.test.ts").scanSync(directory)]
  .map((file) => basename(file, ".test.ts"))
  .filter((name) => everywhere.includes(name) || atTheEnds.includes(name))
  .sort()
  .map((name) => ({
    name: `tests: ${name}`,
    ...(atTheEnds.includes(name) && { kernels: ["5.10", "stable"] }),
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
