import { describe, expect, test } from "bun:test";
import { komon, komonCommand, run } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { fromPackage } from "../support/packages.ts";

const bashCompletion =
  (await fromPackage("bash-completion", "usr/share/bash-completion/bash_completion")) ??
  "/usr/share/bash-completion/bash_completion";
const noBash =
  Bun.which("bash") && (await Bun.file(bashCompletion).exists())
    ? undefined
    : "bash-completion is not to be had";

/** What follows the words, as the shells' scripts ask for it. */
async function offers(...words: string[]): Promise<string[]> {
  const { stdout } = await komon(["complete", "--", ...words]);
  return stdout
    .split("\n")
    .filter((line) => line && !line.startsWith(":"))
    .map((line) => line.split("\t")[0]);
}

describe("komon complete", () => {
  test("offers commands, verbs of groups, flags and choices", async () => {
    expect(await offers("tr")).toEqual(["trace"]);
    expect(await offers("trace", "")).toEqual(["tcprtt", "tcpconnlat", "tcplife"]);
    expect(await offers("trace", "tcplife", "--for")).toEqual(["--format"]);
    expect(await offers("trace", "tcplife", "--format", "")).toEqual([
      "table",
      "json",
      "jsonl",
      "csv",
    ]);
    expect(await offers("load", "--wait")).toEqual([]); // hidden
  });

  testUnless(noBash, "bash completes with the script, read twice", async () => {
    const ask = `
      source ${bashCompletion}
      compopt() { :; } # works only while a user types
      komon() { ${komonCommand.join(" ")} "$@"; }
      script=$(komon complete bash)
      eval "$script"; eval "$script"
      COMP_WORDS=(komon trace tcpl); COMP_CWORD=2; COMP_LINE="komon trace tcpl"; COMP_POINT=16
      $(complete -p komon | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
      echo "\${COMPREPLY[@]}"`;
    const said = await run(["bash", "-c", ask]);
    expect(said.stderr).toBe("");
    expect(said.stdout.trim()).toBe("tcplife");
  });

  test("refuses a shell it does not know", async () => {
    expect(await komon(["complete", "fsh"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean"),
    });
  });
});
