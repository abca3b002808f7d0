/** Prints a command's help from its definition: plain text, at most 80 columns. */
import { type Arg, type Args, flag } from "./args.ts";
import type { Definition } from "./define.ts";
import { flagName, positionalName } from "./parse.ts";

const width = 80;

/** What a value in capitals may look like; printed only where it occurs. */
const valueNotes: Readonly<Record<string, string>> = {
  TIME: "a number with ns, us, ms, s, m or h: 500ms, 2s",
  RATE: "per second, with k, M or G: 1000, 2.5k, 1M",
  BYTES: "bytes, or with KiB, MiB, kB, MB: 128, 64KiB",
};

export function commandHelp(definition: Definition): string {
  const args = visible(definition.args ?? {});
  const words = args.filter(([, arg]) => arg.place !== "flag");
  const flags = args.filter(([, arg]) => arg.place === "flag");
  flags.push(["help", flag.boolean({ help: "print this", alias: "h" })]);
  const usage = ["komon", definition.name, ...words.map(usageWord), "[flags]"];
  if (definition.allowRest) usage.push("[-- …]");
  const notes = Object.entries(valueNotes).filter(([hint]) =>
    args.some(([, arg]) => arg.hint === hint),
  );
  const sections = [
    fill(definition.summary, ""),
    definition.details?.split("\n\n").map(paragraph).join("\n\n"),
    `Usage:\n${fill(usage.join(" "), "  ", "    ")}`,
    section(
      "Arguments",
      words.map(([key, arg]) => [positionalName(key), describe(arg)]),
    ),
    section(
      "Flags",
      flags.map(([key, arg]) => [flagLabel(key, arg), describe(arg)]),
    ),
    section("Values", notes),
    `Example:\n${definition.example.split("\n").map(shellLine).join("\n")}`,
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

/** Text is filled; what starts with a blank is kept as it is, such as a list. */
function paragraph(text: string): string {
  return text.startsWith(" ") ? text : fill(text, "");
}

/** A long command line goes on behind a backslash, so that it can still be copied. */
function shellLine(line: string): string {
  if (Bun.stringWidth(line) + 2 <= width) return `  ${line}`;
  return fill(line, "  ", "    ", width - 2).replaceAll("\n", " \\\n");
}

/** Two aligned columns under a head; empty when there are no rows. */
export function section(head: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const column = Math.min(28, Math.max(...rows.map(([label]) => Bun.stringWidth(label))));
  const indent = " ".repeat(column + 4);
  const lines = rows.map(([label, text]) => {
    const padded = `  ${label}${" ".repeat(Math.max(0, column - Bun.stringWidth(label)))}  `;
    const tooLong = Bun.stringWidth(label) > column;
    const body = fill(text, indent);
    return tooLong ? `  ${label}\n${body}` : `${padded}${body.trimStart()}`;
  });
  return `${head}:\n${lines.join("\n")}`;
}

/** Breaks text into lines below 80 columns. */
export function fill(text: string, first: string, next = first, columns = width): string {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(/\s+/)) {
    const isEmpty = line.trim() === "";
    if (!isEmpty && Bun.stringWidth(line) + 1 + Bun.stringWidth(word) > columns) {
      lines.push(line);
      line = next + word;
    } else line += (isEmpty ? "" : " ") + word;
  }
  return [...lines, line].join("\n");
}

function visible(args: Args): [string, Arg<unknown>][] {
  return Object.entries(args).filter(([, arg]) => !arg.hidden);
}

function usageWord([key, arg]: [string, Arg<unknown>]): string {
  const name = positionalName(key) + (arg.place === "rest" ? "…" : "");
  return arg.required ? name : `[${name}]`;
}

function flagLabel(key: string, arg: Arg<unknown>): string {
  const letter = arg.alias ? `-${arg.alias}, ` : "    ";
  const isOn = arg.isSwitch && arg.default === true;
  const name = `--${isOn ? "no-" : ""}${flagName(key)}`;
  const hint = hasManyChoices(arg) ? positionalName(key) : arg.hint;
  return `${letter}${name}${hint && ` ${hint}`}`;
}

function describe(arg: Arg<unknown>): string {
  const notes: string[] = [];
  const listChoices = arg.hint.includes("|") && (arg.place === "positional" || hasManyChoices(arg));
  if (listChoices) notes.push(arg.hint.replaceAll("|", ", "));
  if (arg.required) notes.push("required");
  if (arg.place === "flag" && arg.repeat) notes.push("may be repeated");
  const hasDefault = arg.default !== undefined && !arg.isSwitch && !arg.repeat;
  if (hasDefault) notes.push(`default ${arg.show(arg.default as never)}`);
  return notes.length > 0 ? `${arg.help} (${notes.join("; ")})` : arg.help;
}

/** Too many to stand in the column of flags. */
function hasManyChoices(arg: Arg<unknown>): boolean {
  return arg.place === "flag" && arg.hint.includes("|") && arg.hint.length > 16;
}
