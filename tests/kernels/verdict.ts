import { type Check, Complaint, type Evidence } from "./checks/check.ts";
import type { Kernel } from "./kernel.ts";

/** How one check came out on one kernel. */
export interface Verdict {
  readonly check: string;
  readonly kernel: Kernel;
  readonly outcome: "ok" | "refused" | "failed" | "not run";
  /** The table's cell, or what is wrong. */
  readonly text: string;
  readonly ms?: number;
}

/** Judges what the guest brought back; no evidence means that the guest did not get so far. */
export function verdictOf(check: Check, kernel: Kernel, evidence: Evidence | undefined): Verdict {
  const verdict = (outcome: Verdict["outcome"], text: string) => ({
    check: check.name,
    kernel,
    outcome,
    text,
    ...(evidence && { ms: evidence.ms }),
  });
  if (!evidence) return verdict("failed", "the guest did not get so far");
  const expected = check.expected(kernel.version);
  try {
    if (expected === "works") {
      const text = check.judge(evidence, kernel.version);
      if (evidence.left) throw new Complaint(`left behind: ${evidence.left.trim()}`);
      return verdict("ok", text);
    }
    isRefusal(evidence, expected.refused);
    return verdict("refused", `refused: ${expected.refused}`);
  } catch (error) {
    if (!(error instanceof Complaint || error instanceof SyntaxError)) throw error;
    return verdict(
      "failed",
      [error.message, lastLines(evidence.stderr || (check.project ? "" : evidence.stdout))]
        .filter(Boolean)
        .join("\n"),
    );
  }
}

/** Exit code 3, nothing on standard output, nothing left, and the reason in the message. */
function isRefusal({ exit, stdout, stderr, left }: Evidence, reason: string): void {
  if (exit !== 3) throw new Complaint(`exit code ${exit}, expected 3: a refusal (${reason})`);
  if (!stderr.includes(reason)) throw new Complaint(`refused without naming ${reason}`);
  if (stdout) throw new Complaint("refused, but printed a result");
  if (left) throw new Complaint(`left behind: ${left.trim()}`);
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-12).join("\n");
}
