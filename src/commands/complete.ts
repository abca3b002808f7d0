import { usageError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { print } from "../base/output.ts";
import type { Arg } from "./args.ts";
import { type Command, defineCommand, positional } from "./define.ts";
import type { Group } from "./group.ts";
import { flagName } from "./parse.ts";

const shells = ["bash", "zsh", "fish"] as const;

export default defineCommand({
  name: "complete",
  summary: "Prints a script that lets a shell complete komon's commands and flags.",
  details:
    "bash needs the package bash-completion. The install script puts the files where shells look for them.",
  example: "source <(komon complete bash)",
  args: {
    shell: positional.text({ help: shells.join(", "), hint: "SHELL" }),
  },
  allowRest: true, // what the script asks: the words typed so far
  async run({ args, rest }) {
    const { default: tab } = await import("@bomb.sh/tab");
    const { commands } = await import("./index.ts");
    if (args.shell === undefined) {
      const { root } = await import("./root.ts");
      await describe(root, "");
      print(said(() => tab.parse([...rest])));
      return;
    }
    if (!shells.some((shell) => shell === args.shell)) {
      const meant = nearest(args.shell, shells);
      throw usageError(
        `there is no completion for ${JSON.stringify(args.shell)}`,
        `did you mean ${meant ?? shells.join(" or ")}?`,
      );
    }
    const { shell } = args;
    // Read twice, or beside another tool's of the same library, a read-only variable would be an error.
    const script = said(() => tab.setup("komon", "komon", shell));
    print(script.replace(/^readonly (?=ShellComp)/gm, ""));

    async function describe(group: Group, path: string): Promise<void> {
      for (const [verb, entry] of Object.entries(path === "" ? commands : group.group.commands)) {
        const { default: command } = await entry.load();
        const name = path === "" ? verb : `${path} ${verb}`;
        if ("group" in command) {
          tab.command(name, command.group.summary);
          await describe(command, name);
        } else if (!command.definition.hidden) flags(command, name);
      }
    }

    function flags({ definition }: Command, name: string): void {
      const described = tab.command(name, definition.summary);
      for (const [key, arg] of Object.entries(definition.args ?? {})) {
        if (arg.place === "flag" && !arg.hidden) {
          const handler = (complete: (value: string, description: string) => void) => {
            for (const value of choicesOf(arg)) complete(value, "");
          };
          if (arg.isSwitch) described.option(flagName(key), arg.help, arg.alias ?? "");
          else if (arg.alias) described.option(flagName(key), arg.help, handler, arg.alias);
          else described.option(flagName(key), arg.help, handler);
        } else if (arg.place !== "flag") {
          described.argument(key, (complete) => {
            for (const value of choicesOf(arg)) complete(value, "");
          });
        }
      }
    }
  },
});

/** What the library prints, which it does by console.log. */
function said(run: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(`${line}\n`);
  try {
    run();
  } finally {
    console.log = log;
  }
  return lines.join("");
}

/** A choice shows what can be chosen in its hint: `table|json`. */
function choicesOf(arg: Arg<unknown>): string[] {
  return /^[a-z0-9_-]+(\|[a-z0-9_-]+)+$/.test(arg.hint) ? arg.hint.split("|") : [];
}
