import { expect, test } from "bun:test";
import { defineCommand, flag, positional } from "../../../src/commands/define.ts";
import { commandHelp } from "../../../src/commands/help.ts";

const command = defineCommand({
  name: "example",
  summary: "Shows what help looks like.",
  details:
    "A paragraph that is longer than a line of eighty columns and therefore goes on.\n\n  a list\n  as it is",
  example: `komon example 3 --out ${"long/".repeat(10)} --law constant --in-port 1234`,
  args: {
    count: positional.int({ help: "how many", required: true }),
    action: positional.choice(["up", "down"], { help: "what to do" }),
    files: positional.list({ help: "the rest" }),
    duration: flag.duration({ help: "how long", default: 2_500_000_000, alias: "d" }),
    pause: flag.duration({ help: "pause", default: 100_000 }),
    inPort: flag.port({ help: "port", required: true }),
    law: flag.choice(["constant", "exponential"], { help: "law", default: "constant" }),
    gap: flag.choice(["a", "b"], { help: "gap" }),
    filter: flag.text({ help: "filter", repeat: true, alias: "q" }),
    warmUp: flag.boolean({ help: "leave the warm-up out", default: true }),
    waitGo: flag.boolean({ help: "hidden", hidden: true }),
  },
  allowRest: true,
  run() {},
});

test("help is made from the definition", () => {
  expect(commandHelp(command.definition)).toBe(`Shows what help looks like.

A paragraph that is longer than a line of eighty columns and therefore goes on.

  a list
  as it is

Usage:
  komon example COUNT [ACTION] [FILES…] [flags] [-- …]

Arguments:
  COUNT   how many (required)
  ACTION  what to do (up, down)
  FILES   the rest

Flags:
  -d, --duration TIME  how long (default 2.5s)
      --pause TIME     pause (default 100µs)
      --in-port PORT   port (required)
      --law LAW        law (constant, exponential; default constant)
      --gap a|b        gap
  -q, --filter TEXT    filter (may be repeated)
      --no-warm-up     leave the warm-up out
      --quiet          print warnings and results only
  -v, --verbose        print details of what is being done
  -h, --help           print this

Values:
  TIME  a number with ns, us, ms, s, m or h: 500ms, 2s

Example:
  komon example 3 --out long/long/long/long/long/long/long/long/long/long/ \\
    --law constant --in-port 1234
`);
});
