/**
 * A host of its own for a test: fresh network, mount namespaces, empty /run and /tmp. What komon
 * makes in it is seen by nobody else, and when the test ends, however it ends, all of it goes.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { komonCommand, run, type Said, type Surroundings, top } from "./komon.ts";

const emptyTmp = "mount -t tmpfs tmpfs /tmp";
/** Where the project itself lies in /tmp, it is put back there. */
const tmp = top.startsWith("/tmp/")
  ? `mkdir /run/top && mount --bind '${top}' /run/top && ${emptyTmp} && mkdir -p '${top}' && mount --move /run/top '${top}' && rmdir /run/top`
  : emptyTmp;
/** Stays until its stdin ends, which it does with the test's process at the latest. */
const holder = `mount -t tmpfs tmpfs /run && ${tmp} && ip link set lo up && echo ready && exec cat`;

/** A device finds its carrier a moment after it is up: that is no trace, nor are the blanks that align its word. */
const carrier = / linkdown|\b(UP|DOWN|UNKNOWN|LOWERLAYERDOWN)\b *|,?LOWER_UP|NO-CARRIER,?| +(?= )/g;

export interface Traces {
  readonly links: string;
  readonly addresses: string;
  readonly routes4: string;
  readonly routes6: string;
  readonly neighbours: string;
  readonly namespaces: string;
  readonly registry: readonly string[];
}

export class World implements AsyncDisposable {
  readonly pid: number;
  readonly #end: () => Promise<unknown>;

  private constructor(pid: number, end: () => Promise<unknown>) {
    this.pid = pid;
    this.#end = end;
  }

  static async open(): Promise<World> {
    const child = Bun.spawn(
      ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", holder],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    await lineOf(child.stdout, /ready/);
    return new World(child.pid, async () => {
      child.stdin.end();
      await child.exited;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  /** The words that run a command in this world. */
  command(words: readonly string[], namespace?: string): string[] {
    const inside = namespace ? [`--net=/proc/${this.pid}/root/run/netns/${namespace}`] : ["--net"];
    return ["nsenter", `--target=${this.pid}`, "--mount", ...inside, `--wd=${top}`, "--", ...words];
  }

  run(words: readonly string[], given?: Surroundings): Promise<Said> {
    return run(this.command(words), given);
  }

  komon(...words: string[]): Promise<Said> {
    return this.run([...komonCommand, ...words]);
  }

  /** Starts komon and goes on; its pid is komon's own. */
  spawn(...words: string[]) {
    return Bun.spawn(this.command([...komonCommand, ...words]), {
      cwd: top,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** komon's JSON answer; throws with what it said when it fails. */
  async komonJson<T>(...words: string[]): Promise<T> {
    const said = await this.komon(...words, "--format", "json");
    if (said.code !== 0) throw new Error(`komon ${words.join(" ")}: ${said.code}\n${said.stderr}`);
    return JSON.parse(said.stdout) as T;
  }

  /** Runs `ip` and throws when it fails. */
  async ip(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(["ip", ...words]);
    if (code !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** A sysctl of this world's own network namespace. */
  async sysctl(name: string, value: number): Promise<void> {
    const path = `/proc/sys/net/${name}`;
    const { code, stderr } = await this.run(["sh", "-c", `echo ${value} > ${path}`]);
    if (code !== 0) throw new Error(stderr);
  }

  /** Names in a folder of this world, such as /run/komon. */
  list(folder: string): string[] {
    try {
      return readdirSync(`/proc/${this.pid}/root${folder}`).sort();
    } catch {
      return [];
    }
  }

  write(path: string, text: string): void {
    writeFileSync(`/proc/${this.pid}/root${path}`, text);
  }

  read(path: string): string {
    return readFileSync(`/proc/${this.pid}/root${path}`, "utf8");
  }

  /** Names of the network devices. */
  devices(): string[] {
    const text = readFileSync(`/proc/${this.pid}/net/dev`, "utf8");
    return [...text.matchAll(/^ *([^\s:|]+):/gm)].map(([, name]) => name);
  }

  /** All that komon could leave behind. */
  async traces(): Promise<Traces> {
    return {
      links: (await this.ip("-brief", "link")).replaceAll(carrier, ""),
      addresses: (await this.ip("-brief", "address")).replaceAll(carrier, ""),
      routes4: (await this.ip("-4", "route", "show", "table", "all")).replaceAll(carrier, ""),
      routes6: (await this.ip("-6", "route", "show", "table", "all")).replaceAll(carrier, ""),
      neighbours: await this.ip("neighbour"),
      namespaces: await this.ip("netns"),
      registry: [
        ...this.list("/run").filter((name) => name !== "netns"),
        ...this.list("/run/komon"),
      ],
    };
  }
}

/** Waits for a line that matches, and returns it. */
export async function lineOf(stream: ReadableStream<Uint8Array>, wanted: RegExp): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const line = text
        .split("\n")
        .slice(0, done ? undefined : -1)
        .find((l) => wanted.test(l));
      if (line !== undefined) return line;
      if (done) throw new Error(`ended without a line like ${wanted}: ${JSON.stringify(text)}`);
    }
  } finally {
    reader.releaseLock();
  }
}

/** What a stream brings until it ends, after {@link lineOf}. */
export async function restOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    if (done) return text;
  }
}

/** A path of the world's own, as this process reaches it. */
export function seen(world: World, path: string): string {
  return `/proc/${world.pid}/root${path}`;
}
