import { type KomonError, usageError } from "../base/errors.ts";

/** What is wrong in a parameter file, and where. */
export interface Mistake {
  readonly file: string;
  /** 1…. */
  readonly line: number;
  /** First character, 1…. */
  readonly column: number;
  /** Characters to mark. */
  readonly length: number;
  readonly what: string;
  /** The line as it stands in the file. */
  readonly text: string;
}

const mostShown = 20;

/** All mistakes in one error, each with its line and the place marked; and files that cannot be read. */
export function mistakesError(
  mistakes: readonly Mistake[],
  unreadable: readonly string[] = [],
): KomonError {
  const total = mistakes.length + unreadable.length;
  const count = total === 1 ? "one mistake" : `${total} mistakes`;
  const shown = [...unreadable, ...mistakes.slice(0, mostShown).map(marked)];
  if (mistakes.length > mostShown) shown.push(`… and ${mistakes.length - mostShown} more`);
  return usageError(
    `${count} in the parameter files; nothing was run\n${shown.join("\n")}`,
    "params/README.md describes each column",
  );
}

/** `file:line:column: what`, the line, and carets below the place. */
function marked({ file, line, column, length, what, text }: Mistake): string {
  const before = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  const carets = "^".repeat(Math.max(1, length));
  return `${file}:${line}:${column}: ${what}\n  ${text.trimEnd()}\n  ${before}${carets}`;
}
