/** Commands that only choose among others: `komon` itself, and nested ones such as `komon trace`. */
import { type CommandDef, runCommand } from "citty";
import { Exit, type ExitCode, usageError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { print, printError } from "../base/output.ts";
import type { Command } from "./define.ts";
import { fill, section } from "./help.ts";

export interface Entry {
  /** The heading it stands under in help. */
  readonly group: string;
  readonly load: () => Promise<{ readonly default: Command | Group }>;
}

export type CommandTable = Readonly<Record<string, Entry>>;

export interface GroupDefinition {
  /** As typed: `komon`, `komon trace`. */
  readonly path: string;
  readonly summary: string;
  readonly commands: CommandTable;
  /** Answers to flags that stand alone before any command, such as `--version`. */
  readonly flags?: Readonly<Record<string, { help: string; print(): Promise<string> | string }>>;
}

export interface Group extends CommandDef {
  readonly group: GroupDefinition;
}

export function defineGroup(group: GroupDefinition): Group {
  return {
    group,
    meta: { name: group.path, description: group.summary },
    run: ({ rawArgs }) => dispatch(group, rawArgs),
  };
}

async function dispatch(group: GroupDefinition, argv: readonly string[]): Promise<ExitCode> {
  const [verb, ...rest] = argv;
  if (verb === undefined) {
    printError(await groupHelp(group));
    return Exit.usage;
  }
  if (verb === "--help" || verb === "-h" || (verb === "help" && rest.length === 0)) {
    print(await groupHelp(group));
    return Exit.done;
  }
  if (verb === "help") return dispatch(group, [...rest, "--help"]);
  const answer = own(group.flags ?? {}, verb);
  if (answer) {
    if (rest.length > 0) throw usageError(`${verb} stands alone, got ${rest.join(" ")} too`);
    print(await answer.print());
    return Exit.done;
  }
  const entry = own(group.commands, verb);
  if (!entry) throw unknown(group, verb);
  const { default: command } = await entry.load();
  const { result } = await runCommand(command as CommandDef, { rawArgs: [...rest] });
  return result as ExitCode;
}

async function groupHelp({ path, summary, commands, flags }: GroupDefinition): Promise<string> {
  const sections = new Map<string, [string, string][]>();
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([verb, entry]) => {
      const { default: command } = await entry.load();
      return { verb, group: entry.group, command };
    }),
  );
  for (const { verb, group, command } of loaded) {
    if ("definition" in command && command.definition.hidden) continue;
    const rows = sections.get(group) ?? [];
    const line = "definition" in command ? command.definition.summary : command.group.summary;
    sections.set(group, [...rows, [verb, line]]);
  }
  const flagRows = Object.entries(flags ?? {}).map(([name, { help }]) => [name, help] as const);
  return `${[
    fill(summary, ""),
    `Usage:\n  ${path} COMMAND [arguments] [flags]`,
    ...[...sections].map(([group, rows]) => section(group, rows)),
    section("Flags", [...flagRows, ["-h, --help", "print this"]]),
    `${path} COMMAND --help says more about a command.`,
  ].join("\n\n")}\n`;
}

function unknown({ path, commands, flags }: GroupDefinition, word: string): Error {
  const isFlag = word.startsWith("-");
  const known = isFlag ? ["--help", ...Object.keys(flags ?? {})] : Object.keys(commands);
  const meant = nearest(word, known);
  const what = isFlag
    ? `${path} has no flag ${word} before a command`
    : `${path} has no command ${JSON.stringify(word)}`;
  const helpHint = `see ${path} --help`;
  const mend = meant ? `did you mean ${isFlag ? "" : `${path} `}${meant}?` : helpHint;
  return usageError(what, mend);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
