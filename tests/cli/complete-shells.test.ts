/** The scripts in the shells they are for: Debian's own, unpacked, not installed. */
import { afterAll, expect } from "bun:test";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Glob } from "bun";
import { komon, komonCommand, run } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { fromPackage } from "../support/packages.ts";

const home = mkdtempSync(join(tmpdir(), "komon-shells-"));
afterAll(() => rmSync(home, { recursive: true }));

const zsh = await fromPackage("zsh", "bin/zsh");
const zshFunctions = await fromPackage("zsh-common", "usr/share/zsh/functions");
const fish = await fromPackage("fish", "usr/bin/fish");
const fishData = await fromPackage("fish-common", "usr/share/fish");
const fishEtc = await fromPackage("fish-common", "etc/fish");
const pcre = await fromPackage("libpcre2-32-0", "usr/lib");

/** `komon` as the shells find it, by a path that has it. */
await Bun.write(join(home, "bin/komon"), `#!/bin/sh\nexec ${komonCommand.join(" ")} "$@"\n`);
await run(["chmod", "+x", join(home, "bin/komon")]);
const PATH = `${join(home, "bin")}:${process.env.PATH}`;

async function install(shell: string, path: string): Promise<void> {
  await Bun.write(join(home, path), (await komon(["complete", shell])).stdout);
}

const noZsh = zsh && zshFunctions ? undefined : "there is no zsh to be had";
testUnless(noZsh, "zsh completes what is typed", async () => {
  await install("zsh", "site-functions/_komon");
  const modules = [...new Glob("**/zle.so").scanSync({ cwd: dirname(dirname(zsh as string)) })];
  const functions = [...new Glob("**/*").scanSync({ cwd: zshFunctions as string })];
  const folders = new Set(functions.map((file) => join(zshFunctions as string, dirname(file))));
  using typist = new Typist([zsh as string, "-f", "-i"], { ...process.env, PATH, TERM: "xterm" });
  const lines = [
    `module_path=(${join(dirname(dirname(zsh as string)), dirname(dirname(modules[0])))})`,
    `fpath=(${home}/site-functions ${[...folders].join(" ")})`,
    "autoload -Uz compinit; compinit -u -D; unsetopt beep; PS1='at''-> '",
  ];
  await typist.type(`${lines.join("; ")}\r`, /at-> /);
  await typist.type("komon tr\t", /komon trace /);
  await typist.type("tcpl\t", /tcplife /);
  await typist.type("--for\t", /--format /);
  const offered = await typist.type("\t\t", /jsonl/);
  for (const format of ["table", "json", "csv"]) expect(offered).toContain(format);
});

const noFish = fish && fishData && fishEtc && pcre ? undefined : "there is no fish to be had";
testUnless(noFish, "fish completes what is typed", async () => {
  const completions = ".config/fish/completions/komon.fish";
  await install("fish", completions);
  // fish looks for its own files beside itself.
  const prefix = dirname(dirname(fish as string));
  const links = [
    [fishData as string, join(prefix, "share/fish")],
    [dirname(fishEtc as string), join(prefix, "etc")],
  ];
  for (const [to, at] of links) if (!existsSync(at)) symlinkSync(to, at);
  const libraries = [...new Glob("**/libpcre2-32.so.0.*").scanSync({ cwd: pcre as string })];
  const env = {
    ...{ PATH, HOME: home },
    LD_LIBRARY_PATH: join(pcre as string, dirname(libraries[0])),
  };
  const offers = async (line: string) => {
    const said = await run([fish as string, "-c", 'complete -C "$argv"', line], { env });
    expect(said).toMatchObject({ code: 0, stderr: "" });
    return said.stdout.split("\n").flatMap((one) => (one ? [one.split("\t")[0]] : []));
  };
  expect(await offers("komon tr")).toEqual(["trace"]);
  expect(await offers("komon trace ")).toEqual(["tcpconnlat", "tcplife", "tcprtt"]);
  expect(await offers("komon trace tcplife --for")).toEqual(["--format"]);
  expect(await offers("komon trace tcplife --format ")).toEqual(["csv", "json", "jsonl", "table"]);
});

/** A program on a terminal, and somebody who types. */
class Typist implements Disposable {
  #screen = "";
  #stirred: (() => void)[] = [];
  readonly #terminal: Bun.Terminal;
  readonly #child: Bun.Subprocess;

  constructor(command: readonly string[], env: Record<string, string | undefined>) {
    this.#terminal = new Bun.Terminal({
      ...{ cols: 100, rows: 30 },
      data: (_, bytes) => {
        this.#screen += Buffer.from(bytes).toString();
        for (const wake of this.#stirred.splice(0)) wake();
      },
    });
    this.#child = Bun.spawn([...command], { terminal: this.#terminal, env });
  }

  /** @returns what the program has shown since, as soon as that matches */
  async type(keys: string, wanted: RegExp): Promise<string> {
    this.#screen = "";
    this.#terminal.write(keys);
    while (!wanted.test(Bun.stripANSI(this.#screen))) {
      await new Promise<void>((wake) => this.#stirred.push(wake));
    }
    return Bun.stripANSI(this.#screen);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    this.#terminal.close();
  }
}
