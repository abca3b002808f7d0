import { printable } from "./printable.ts";

/** Process exit codes: the command contract that scripts rely on. */
export const Exit = {
  /** The work is done. */
  done: 0,
  /** A threshold failed, or the work is incomplete. */
  incomplete: 1,
  /** The command was used wrongly. */
  usage: 2,
  /** This machine cannot do it (and the message says why). */
  cannot: 3,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

export interface ErrorParts {
  /** What could not be done, with the value that was meant. */
  readonly what: string;
  /** Why: errno by name, the verifier's telling line, the limit that was crossed. */
  readonly why?: string;
  /** What the user can do about it. */
  readonly mend?: string;
  /** The exit code this error ends the process with; default {@link Exit.cannot}. */
  readonly exit?: ExitCode;
  readonly cause?: unknown;
}

/**
 * The one error that komon shows to a user: what, why, mend.
 * Anything else that reaches the top is a defect of komon and is printed as one.
 */
export class KomonError extends Error {
  override readonly name = "KomonError";
  readonly what: string;
  readonly why: string | undefined;
  readonly mend: string | undefined;
  readonly exit: ExitCode;

  constructor(parts: ErrorParts) {
    super(
      [
        printable(parts.what, "\n\t"),
        parts.why && `  why:  ${printable(parts.why, "\n\t")}`,
        parts.mend && `  mend: ${parts.mend}`,
      ]
        .filter(Boolean)
        .join("\n"),
      { cause: parts.cause },
    );
    this.what = parts.what;
    this.why = parts.why;
    this.mend = parts.mend;
    this.exit = parts.exit ?? Exit.cannot;
  }
}

/** A mistake in how komon was called: exit code 2. */
export function usageError(what: string, mend?: string, why?: string): KomonError {
  return new KomonError({ what, exit: Exit.usage, ...(why && { why }), ...(mend && { mend }) });
}
