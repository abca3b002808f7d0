import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { komonBinary } from "./binary.ts";
import { Scratch } from "./cache.ts";
import type { Check, Evidence } from "./checks/check.ts";
import { type GuestResult, runInGuest } from "./guest.ts";
import type { Kernel } from "./kernel.ts";
import { projectEntries } from "./project.ts";

/**
 * Boots a kernel once and puts all checks, which want the same number of CPUs, to it. `answer` gets the evidence of each as it arrives,
 * and nothing for those that the guest did not get to.
 */
export async function inquire(
  kernel: Kernel,
  checks: readonly Check[],
  answer: (check: Check, evidence: Evidence | undefined) => void,
): Promise<GuestResult> {
  using scratch = new Scratch();
  const scripts = join(scratch.path, "checks");
  mkdirSync(scripts);
  copyFileSync(new URL("guest/checks.sh", import.meta.url), join(scratch.path, "checks.sh"));
  checks.forEach((check, index) => {
    writeFileSync(join(scripts, `${fileName(index)}.sh`), `${check.script}\n`);
    writeFileSync(join(scripts, `${fileName(index)}.seconds`), String(secondsOf(check)));
  });
  let answered = 0;
  const watch = (stdout: Buffer): void => {
    const found = evidenceOf(stdout.toString());
    for (; found.has(fileName(answered)); answered++) {
      answer(checks[answered], found.get(fileName(answered)));
    }
  };
  const wantsProject = checks.some((check) => check.project);
  const guest = await runInGuest({
    kernel,
    directory: scratch.path,
    programs: {
      ...(checks.some((check) => check.komon) && { komon: komonBinary }),
      ...(wantsProject && { bun: process.execPath }),
    },
    entries: wantsProject ? projectEntries("t/project") : [],
    command: "sh /t/checks.sh",
    cpus: cpusOf(checks[0]),
    watch,
    timeoutMs: (120 + guardSeconds(checks)) * 1000,
  });
  watch(guest.stdout);
  for (const check of checks.slice(answered)) answer(check, undefined);
  return guest;
}

/** The lines that the guest's checks.sh prints; one that a dying guest cut short is left out. */
export function evidenceOf(lines: string): Map<string, Evidence> {
  const whole = lines.split("\n").filter((line) => line.endsWith("}}"));
  return new Map(
    whole.map((line) => {
      const { check, exit, ms, stdout, stderr, left, files } = JSON.parse(line);
      const texts = Object.entries(files as Record<string, string>).map(([name, encoded]) => [
        name,
        decoded(encoded),
      ]);
      return [
        check,
        {
          exit,
          ms,
          stdout: decoded(stdout),
          stderr: decoded(stderr),
          left: decoded(left),
          files: Object.fromEntries(texts),
        },
      ];
    }),
  );
}

/** Checks with the same number of CPUs may share a guest. */
export function cpusOf(check: Check | undefined): number {
  return check?.cpus ?? 2;
}

/** The time that all of them have. */
export function guardSeconds(checks: readonly Check[]): number {
  return checks.reduce((sum, check) => sum + secondsOf(check), 0);
}

function secondsOf(check: Check): number {
  return check.seconds ?? 120;
}

function fileName(index: number): string {
  return String(index).padStart(2, "0");
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}
