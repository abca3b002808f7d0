/**
 * Runs all tests, in processes of their own by group or by file, and ends with the one line
 * `N passed, N failed, N skipped`. Paths or words on the command line choose among the test files.
 * Under CI=true a skip is a failure, unless its reason is among those expected.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { failuresIn } from "./failures.ts";

/** In the order of what they need: nothing, clang and a kernel, root, the built binary, other kernels in QEMU. */
const groups = ["unit", "contract", "kernel", "cli", "kernels"];

/** What a kernel may lack without anybody's fault; see tests/support/needs.ts. */
const expectedReasons: readonly RegExp[] = [
  /^this kernel has no kprobes/,
  /^this kernel refuses fentry/,
  /^this kernel has no sock_recv_length/,
  /^this kernel has no VLAN devices/,
  /^this kernel has no UDP-Lite/,
  /^no io_uring can be made here/,
  /^this kernel runs no 32-bit programs/,
  /^no cgroup with a (memory|cpuset) limit/,
];

interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  /** What was printed from the test before it to each test that failed. */
  readonly failures: readonly string[];
}

process.chdir(`${import.meta.dir}/..`);
const wanted = process.argv.slice(2);
const reports = "dist/test-reports";
mkdirSync(reports, { recursive: true });
/** What random tests draw by: one number for all of them, so that what they found can be found again. */
const seed = process.env.KOMON_TEST_SEED ?? String(Date.now() % 1e6);
console.log(`KOMON_TEST_SEED=${seed}`);
const results: Result[] = [];
/** What failed at the first try and not at the second. */
const late: string[] = [];
for (const group of groups) {
  const files = [...new Glob(`tests/${group}/**/*.test.ts`).scanSync()]
    .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
    .sort();
  if (files.length > 0) console.log(`\n# ${group}`);
  // What uses the kernel runs file by file, so that nothing one file leaves open reaches the next.
  const usesKernel = !["unit", "contract"].includes(group);
  const sets = usesKernel ? files.map((file) => [file]) : [files];
  for (const set of sets) {
    if (set.length === 0) continue;
    let result = await runFiles(group, set);
    // A machine that others use may take the CPU away for a second: one more try, told at the end. Not for what
    // looks for rare defects: the second try would not meet them again.
    if (result.failed > 0 && usesKernel && !set.some(isRandom)) {
      console.log(`\n# once more: ${set.join(" ")}`);
      const second = await runFiles(group, set);
      if (second.failed === 0) late.push(...result.failures);
      result = second;
    }
    results.push(result);
  }
}

const skipped = results.flatMap((result) => result.skipped);
const refused = process.env.CI === "true" ? skipped.filter((name) => !isExpected(name)) : [];
for (const name of refused) console.error(`not to be skipped in CI: ${name}`);
const sum = (pick: (result: Result) => number) => results.reduce((n, r) => n + pick(r), 0);
const passed = sum((result) => result.passed);
const failed = sum((result) => result.failed) + refused.length;
if (late.length > 0) console.log(`\n# failed once, then passed\n${late.join("\n\n")}\n`);
const failures = results.flatMap((result) => result.failures);
if (failures.length > 0) console.log(`\n# what failed, again\n${failures.join("\n\n")}\n`);
if (results.length === 0) console.error(`no test file matches ${wanted.join(" ")}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length - refused.length} skipped`);
process.exit(failed > 0 || results.length === 0 ? 1 : 0);

async function runFiles(group: string, files: readonly string[]): Promise<Result> {
  const report = join(reports, `${group}.xml`);
  rmSync(report, { force: true });
  const child = Bun.spawn(
    [
      process.execPath,
      "test",
      "--timeout=120000", // a run on the real kernel, on a machine that others use too
      ...files.map((file) => `./${file}`),
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, KOMON_TEST_SEED: seed } },
  );
  const printed = (await Promise.all([pass(child.stdout), pass(child.stderr)])).join("");
  const code = await child.exited;
  const counts = existsSync(report)
    ? readReport(readFileSync(report, "utf8"))
    : { passed: 0, failed: 0, skipped: [] };
  if (code === 0 || counts.failed > 0) {
    return { ...counts, failures: counts.failed > 0 ? failuresIn(printed) : [] };
  }
  const end = `${files.join(" ")}: bun test ended with ${child.signalCode ?? code}`;
  console.error(end);
  return { ...counts, failed: 1, failures: [`${end}; its last lines:\n${printed.slice(-4000)}`] };
}

/** Passes on what comes, as it comes. @returns all of it */
async function pass(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    process.stderr.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** Counts in a JUnit report, as bun writes it. */
function readReport(xml: string): Omit<Result, "failures"> {
  const attribute = (name: string) => {
    const head = /<testsuites [^>]*>/.exec(xml)?.[0] ?? "";
    return Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  };
  const names = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*[^/]>\s*<skipped/g)];
  const skipped = names.map((match) => unescapeXml(match[1]));
  const failed = attribute("failures") + attribute("errors");
  return { passed: attribute("tests") - failed - skipped.length, failed, skipped };
}

/** Draws by the seed. */
function isRandom(file: string): boolean {
  return readFileSync(file, "utf8").includes("KOMON_TEST_SEED");
}

function isExpected(name: string): boolean {
  const reason = /\(skipped: (.*)\)$/.exec(name)?.[1] ?? "";
  return expectedReasons.some((expected) => expected.test(reason));
}

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
