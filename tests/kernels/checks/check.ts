import { compareVersions, type Series } from "../series.ts";

/** What a check's script did in the guest. */
export interface Evidence {
  readonly exit: number;
  /** How long it took, in emulation. */
  readonly ms: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it left on the guest that was not there before, one thing a line. */
  readonly left: string;
  /** The files it wrote into its directory. */
  readonly files: Readonly<Record<string, string>>;
}

/** What is right on one kernel: it works, or it is refused with a reason that says this. */
export type Expectation = "works" | { readonly refused: string };

/**
 * One question to every kernel. A feature is asserted on both sides of its version: where it is
 * not to be had, komon has to refuse and say why.
 */
export interface Check {
  /** Short, unique; names its row of the table. */
  readonly name: string;
  /** The rung of hooks it forces, for `--rungs`. */
  readonly rung?: string;
  /** The series it is asked of; without, all. */
  readonly kernels?: readonly Series[];
  /** The first upstream version that can answer it. */
  readonly from?: string;
  /** What the guest's shell runs, in an empty directory. */
  readonly script: string;
  /** Whether the script needs the compiled komon. */
  readonly komon: boolean;
  /** Whether it needs the project itself, as /t/project, and Bun. */
  readonly project?: boolean;
  /** The CPUs of its guest; default 2. Two emulated ones wait for one another where they share what is real. */
  readonly cpus?: number;
  /** The time it has, in emulation; default 120: a guard, not an assertion. */
  readonly seconds?: number;
  readonly expected: (version: string) => Expectation;
  /** What the table says where it worked. Throws a {@link Complaint} where it did not. */
  readonly judge: (evidence: Evidence, version: string) => string;
}

/** What is wrong with a check's result. */
export class Complaint extends Error {}

/** Complains unless the two are the same. */
export function same(what: string, got: unknown, wanted: unknown): void {
  if (!Bun.deepEquals(got, wanted)) {
    throw new Complaint(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
  }
}

/** `works` from an upstream version on, refused with a reason before. */
export function since(version: string, reason: string): Check["expected"] {
  return (kernel) => (isSince(kernel, version) ? "works" : { refused: reason });
}

/** Whether a kernel is of that upstream version or later; its candidates count as it. */
export function isSince(kernel: string, version: string): boolean {
  return compareVersions(kernel, `${version}~`) >= 0;
}
