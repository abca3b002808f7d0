/** The root command, and how an error that nobody caught ends the process. */
import { type CommandDef, runCommand } from "citty";
import { Exit, type ExitCode, KomonError } from "../base/errors.ts";
import { printError } from "../base/output.ts";
import { printable } from "../base/printable.ts";
import { komonVersion } from "../base/version.ts";
import { defineGroup } from "./group.ts";
import { commands } from "./index.ts";

export const root = defineGroup({
  path: "komon",
  summary:
    "Measures how long packet processing takes on Linux: per packet, per stage, in the kernel.",
  commands,
  flags: { "--version": { help: "print the versions of komon and of libbpf", print: versions } },
});

/** Runs a command line to its end and returns the exit code. Prints all errors itself. */
export async function runCommandLine(
  command: CommandDef,
  argv: readonly string[],
): Promise<ExitCode> {
  try {
    const { result } = await runCommand(command, { rawArgs: [...argv] });
    return result as ExitCode;
  } catch (error) {
    return report(error);
  }
}

/**
 * A KomonError is printed as what, why and mend. Anything else is a defect of komon: it is printed
 * with its stack and ends with 1, for the work is incomplete; 2 and 3 would blame the user or the machine.
 */
export function report(error: unknown): ExitCode {
  const all = unfolded(error);
  const known = all.find((one) => one instanceof KomonError) ?? all.map(exhaustion).find(Boolean);
  if (known) {
    printError(`error: ${printable(known.message, "\n")}\n`);
    return known.exit;
  }
  const [first] = all;
  const { stack, message } = first instanceof Error ? first : new Error(String(first));
  const lines = printable(stack ?? message, "\n");
  printError(
    [
      `error: a defect in komon ${komonVersion}: ${printable(message)}`,
      "  please report it with the command line and these lines:",
      `${lines}\n`,
    ].join("\n"),
  );
  return Exit.incomplete;
}

/** The error that came first, then those that came while resources were let go because of it. */
function unfolded(error: unknown): unknown[] {
  if (!(error instanceof SuppressedError)) return [error];
  return [...unfolded(error.suppressed), ...unfolded(error.error)];
}

/** Errors of the machine that can come at any place: no descriptors left, no memory left. */
function exhaustion(error: unknown): KomonError | undefined {
  const text = String(error);
  if (/\b(EMFILE|ENFILE)\b|system resource exhaustion/.test(text)) {
    return new KomonError({
      what: "no more files can be opened",
      why: text,
      mend: "raise the limit of open files, 256 will do: ulimit -n 256",
    });
  }
  if (!/\bENOMEM\b|[Oo]ut of memory/.test(text)) return undefined;
  const mend = "free some memory, or raise the limit of the cgroup that komon runs in";
  return new KomonError({ what: "there is no memory left", why: text, mend });
}

async function versions(): Promise<string> {
  const { libbpfVersion } = await import("../kernel/libbpf.ts");
  try {
    return `komon ${komonVersion}\nlibbpf ${libbpfVersion()}\n`;
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    return `komon ${komonVersion}\nlibbpf not usable: ${error.why ?? error.what}\n`;
  }
}
