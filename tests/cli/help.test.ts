/** Help, versions and mistyped commands of the built binary. */
import { expect, test } from "bun:test";
import type { CommandTable } from "../../src/commands/group.ts";
import { commands } from "../../src/commands/index.ts";
import { komon } from "../support/komon.ts";

const verbs = Object.keys(commands);
const { leaves, groups } = await walk(commands, []);

/** All commands and groups of commands, nested ones too, as the words that call them. */
async function walk(table: CommandTable, path: readonly string[]) {
  const found = { leaves: [] as string[][], groups: [] as string[][] };
  for (const [verb, entry] of Object.entries(table)) {
    const { default: command } = await entry.load();
    const words = [...path, verb];
    if ("definition" in command) {
      expect(`komon ${command.definition.name}`).toBe(`komon ${words.join(" ")}`);
      found.leaves.push(words);
      continue;
    }
    expect(command.group.path).toBe(`komon ${words.join(" ")}`);
    found.groups.push(words);
    const nested = await walk(command.group.commands, words);
    found.leaves.push(...nested.leaves);
    found.groups.push(...nested.groups);
  }
  return found;
}

test("komon --help", async () => {
  const said = await komon(["--help"]);
  expect(said).toMatchObject({ code: 0, stderr: "" });
  expect(said.stdout).toMatchSnapshot();
  expect(await komon(["-h"])).toEqual(said);
  expect(await komon(["help"])).toEqual(said);
});

test("komon alone is wrong use: help goes to stderr", async () => {
  const help = (await komon(["--help"])).stdout;
  expect(await komon([])).toEqual({ code: 2, stdout: "", stderr: help });
});

test("komon --version names komon and libbpf", async () => {
  const said = await komon(["--version"]);
  expect(said).toMatchObject({ code: 0, stderr: "" });
  expect(said.stdout).toMatch(/^komon \d+\.\d+\.\d+\nlibbpf \d+\.\d+/);
});

test.each([...leaves, ...groups].map((words) => words.join(" ")))(
  "komon %s --help, below 80 columns",
  async (line) => {
    const words = line.split(" ");
    const said = await komon([...words, "--help"]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout).toMatchSnapshot();
    const lines = said.stdout.split("\n");
    expect(lines.filter((text) => Bun.stringWidth(text) > 80)).toEqual([]);
    expect(await komon(["help", ...words])).toEqual(said);
  },
);

test.each(leaves.map((words) => words.join(" ")))(
  "komon %s refuses a flag it lacks",
  async (line) => {
    const said = await komon([...line.split(" "), "--frobnicate=1"]);
    expect(said).toMatchObject({ code: 2, stdout: "" });
    expect(said.stderr).toStartWith(`error: komon ${line} has no flag --frobnicate\n`);
  },
);

test.each([
  [
    "--versoin",
    "error: komon has no flag --versoin before a command\n  mend: did you mean --version?\n",
  ],
  ["frobnicate", 'error: komon has no command "frobnicate"\n  mend: see komon --help\n'],
  ["constructor", 'error: komon has no command "constructor"\n  mend: see komon --help\n'],
])("komon %s is wrong use", async (word, stderr) => {
  expect(await komon([word])).toEqual({ code: 2, stdout: "", stderr });
});

test("a mistyped command is told which was probably meant", async () => {
  for (const verb of verbs) {
    const typed = `${verb}x`;
    const said = await komon([typed]);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain("did you mean komon ");
  }
});
