/**
 * How a command is declared. The result is a citty command, so trees of commands and tools that
 * read them work as usual, but its argv is read by parse.ts: citty itself lets unknown flags,
 * missing values and surplus words pass.
 */
import type { CommandDef } from "citty";
import { Exit, type ExitCode, usageError } from "../base/errors.ts";
import { setTalk } from "../base/log.ts";
import { print } from "../base/output.ts";
import { useBtf } from "../kernel/btf.ts";
import { type Args, flag, type ValuesOf } from "./args.ts";
import { commandHelp } from "./help.ts";
import { flagName, type Parsed, parseArgv } from "./parse.ts";
import { watchStop } from "./signals.ts";

export { Exit } from "../base/errors.ts";
export { flag, positional } from "./args.ts";

/** For commands whose programs can do without the kernel's own BTF; what it names is in use before they run. */
export const btf = flag.text({
  help: "types of this kernel, where it has no /sys/kernel/btf",
  hint: "FILE",
});

export interface Context<A extends Args> {
  readonly args: ValuesOf<A>;
  /** What stood after `--`; empty unless the command says `allowRest`. */
  readonly rest: readonly string[];
  /** Aborted by SIGINT and SIGTERM (a second one ends the process) and by a closed stdout. */
  readonly stop: AbortSignal;
}

export interface Definition<A extends Args = Args> {
  /** As typed after `komon`, including the parent of a nested command: `trace tcprtt`. */
  readonly name: string;
  /** One sentence, for help. */
  readonly summary: string;
  /** More help after the summary: paragraphs, filled unless they start with a blank. */
  readonly details?: string;
  /** One worked example, or several lines of them. */
  readonly example: string;
  readonly args?: A;
  /** Hand on what stands after `--` instead of reading it as positionals. */
  readonly allowRest?: boolean;
  /** Left out of the list of commands. */
  readonly hidden?: boolean;
  run(context: Context<A>): Promise<ExitCode | void> | ExitCode | void;
}

export interface Command extends CommandDef {
  readonly definition: Definition;
}

/** Every command has these; a command's own letter wins over theirs. */
const common = {
  quiet: flag.boolean({ help: "print warnings and results only", alias: "q" }),
  verbose: flag.boolean({ help: "print details of what is being done", alias: "v" }),
} satisfies Args;

export function defineCommand<const A extends Args = {}>(definition: Definition<A>): Command {
  const args = withCommon(definition.args ?? {});
  const shown = { ...definition, args } as unknown as Definition;
  return {
    definition: shown,
    meta: {
      name: definition.name,
      description: definition.summary,
      hidden: definition.hidden === true,
    },
    args: cittyArgs(args),
    async run({ rawArgs }) {
      const path = `komon ${definition.name}`;
      const allowRest = definition.allowRest ?? false;
      const parsed = parseArgv(rawArgs, { path, args, allowRest });
      if (parsed.help) {
        print(commandHelp(shown));
        return Exit.done;
      }
      const { values, rest } = parsed;
      setTalk(values.quiet ? "quiet" : values.verbose ? "verbose" : "normal");
      if (typeof values.btf === "string") useBtf(values.btf);
      using stop = watchStop();
      return (
        (await definition.run({ args: values as ValuesOf<A>, rest, stop: stop.signal })) ??
        Exit.done
      );
    },
  };
}

/** Reads words as a command would that is started with them; for one that starts another. */
export function readFlags<const A extends Args>(
  { definition }: Command,
  args: A,
  words: readonly string[],
): ValuesOf<A> {
  return parsed(definition, definition.args ?? args, words).values as ValuesOf<A>;
}

/** Keys of the flags that these words give. */
export function flagsGiven(
  { definition }: Command,
  args: Args,
  words: readonly string[],
): readonly string[] {
  return parsed(definition, definition.args ?? args, words).given;
}

function parsed({ name }: Command["definition"], args: Args, words: readonly string[]): Parsed {
  const path = `komon ${name}`;
  const read = parseArgv(words, { path, args, allowRest: false });
  if (read.help) throw usageError("--help only shows help", `see ${path} --help`);
  return read;
}

function withCommon(own: Args): Args {
  const taken = new Set(Object.values(own).map((arg) => arg.alias));
  const added = Object.entries(common)
    .filter(([key]) => !(key in own))
    .map(([key, arg]) => [key, taken.has(arg.alias) ? { ...arg, alias: undefined } : arg]);
  return { ...own, ...Object.fromEntries(added) };
}

/** For tools that walk citty trees; nothing is required here, since citty must not judge. */
function cittyArgs(args: Args): NonNullable<CommandDef["args"]> {
  const entries = Object.entries(args).map(([key, arg]) => {
    const description = arg.help;
    if (arg.place !== "flag") return [key, { type: "positional", required: false, description }];
    const type = arg.isSwitch ? "boolean" : "string";
    return [flagName(key), { type, description, ...(arg.alias && { alias: arg.alias }) }];
  });
  return Object.fromEntries(entries);
}
