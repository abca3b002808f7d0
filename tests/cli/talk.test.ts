/** What is said on stderr, and when it is coloured. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { run, top } from "../support/komon.ts";

const fixture = [process.execPath, join(import.meta.dir, "fixtures/command.ts"), "talk"];
const again = "warning: again\n".repeat(10);

test("talk goes to stderr, line by line, none merged", async () => {
  const stderr = `plain\nwarning: careful\nerror: wrong\n${again}`;
  expect(await run(fixture)).toEqual({ code: 0, stdout: "", stderr });
});

test("--quiet keeps warnings, --verbose adds details", async () => {
  expect((await run([...fixture, "-q"])).stderr).toBe(`warning: careful\nerror: wrong\n${again}`);
  expect((await run([...fixture, "--verbose"])).stderr).toStartWith("debug: details\nplain\n");
});

describe("colour", () => {
  test.each([
    ["on a terminal", {}, true],
    ["not with NO_COLOR", { NO_COLOR: "1" }, false],
    ["with an empty NO_COLOR, which means unset", { NO_COLOR: "" }, true],
    ["not on a dumb terminal", { TERM: "dumb" }, false],
  ])("%s", async (_, env, coloured) => {
    const text = await inTerminal({
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      TERM: "xterm",
      ...env,
    });
    expect(text).toContain("careful");
    expect(text.includes("\x1b[")).toBe(coloured);
  });
});

async function inTerminal(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn(fixture, {
    cwd: top,
    env: { ...process.env, ...env },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_terminal, bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await child.exited;
  child.terminal?.close();
  return text;
}
