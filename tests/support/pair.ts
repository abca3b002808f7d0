/** Two hosts with a cable between them: a world of its own, a veth pair, a namespace at the far end. */
import { release } from "node:os";
import { join } from "node:path";
import { type Said, top } from "./komon.ts";
import { World } from "./world.ts";

/** komon from its sources: these tests are of the modules, not of the build. */
export const sources: readonly string[] = [process.execPath, join(top, "src/main.ts")];

export const near = { name: "near", v4: "10.77.0.1", v6: "fd77::1" } as const;
export const far = { name: "far", v4: "10.77.0.2", v6: "fd77::2" } as const;

/** TCX came with Linux 6.6; before it, generic XDP takes its place. */
const [major = 0, minor = 0] = release().split(".").map(Number);
export const hasTcx = major > 6 || (major === 6 && minor >= 6);
/** Where a veth's answers are taken unless something else is asked for. */
export const usualRung = hasTcx ? "tc" : "xdp-generic";
export const rungs: readonly string[] = [...(hasTcx ? ["tc"] : []), "xdp-native", "xdp-generic"];

/** What the stack of a namespace has counted, as /proc/net/snmp and snmp6 have it. */
export type StackCounters = Readonly<Record<string, number>>;

let pairs = 0;

export class Pair implements AsyncDisposable {
  readonly world: World;
  /** Numbers that no other device of this machine has, in any namespace: so what hangs there is ours. */
  readonly nearIndex = 100_000 + (process.pid % 100_000) * 20 + 2 * pairs++;
  readonly farIndex = this.nearIndex + 1;

  private constructor(world: World) {
    this.world = world;
  }

  static async open(): Promise<Pair> {
    const world = await World.open();
    await world.ip("netns", "add", "far");
    const pair = new Pair(world);
    const { nearIndex, farIndex } = pair;
    const link = `link add name near index ${nearIndex} type veth peer name far index ${farIndex} netns far`;
    await world.ip(...link.split(" "));
    await world.ip("addr", "add", `${near.v4}/24`, "dev", "near");
    await world.ip("addr", "add", `${near.v6}/64`, "dev", "near", "nodad");
    await world.ip("-n", "far", "addr", "add", `${far.v4}/24`, "dev", "far");
    await world.ip("-n", "far", "addr", "add", `${far.v6}/64`, "dev", "far", "nodad");
    await world.ip("-n", "far", "link", "set", "lo", "up");
    await world.ip("-n", "far", "link", "set", "far", "up");
    await world.ip("link", "set", "near", "up");
    // The first packets find the neighbours; tests count the later ones.
    await pair.run("ping", "-c", "1", "-w", "5", far.v4);
    await pair.run("ping", "-c", "1", "-w", "5", far.v6);
    return pair;
  }

  /** komon probe, from its sources. */
  probe(...words: string[]): Promise<Said> {
    return this.world.run([...sources, "probe", ...words]);
  }

  /** The words that run it, inside a shell of this world. */
  probeCommand(...words: string[]): string[] {
    return [...sources, "probe", ...words];
  }

  async probeJson(...words: string[]): Promise<{ said: Said; report: ProbeJson }> {
    const said = await this.probe(...words, "--format", "json");
    if (said.stdout === "") throw new Error(`komon probe: ${said.code}\n${said.stderr}`);
    return { said, report: JSON.parse(said.stdout) as ProbeJson };
  }

  /** komon probe, left running. */
  spawn(...words: string[]): Running {
    return new Running(this.world.command([...sources, "probe", ...words]));
  }

  /** A program of tests/kernel/programs at the far end, left running. */
  spawnFar(program: string, ...words: string[]): Running {
    const file = join(top, "tests/kernel/programs", `${program}.ts`);
    return new Running(this.world.command([process.execPath, file, ...words], "far"));
  }

  run(...words: string[]): Promise<Said> {
    return this.world.run(words);
  }

  /** ICMP counters of the near or far stack. */
  async counters(where: "near" | "far" = "near"): Promise<StackCounters> {
    const inside = where === "far" ? ["ip", "netns", "exec", "far"] : [];
    const { stdout } = await this.run(...inside, "cat", "/proc/net/snmp", "/proc/net/snmp6");
    const found: Record<string, number> = {};
    const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Icmp:"));
    const keys = names.split(" ");
    for (const [at, value] of values.split(" ").entries()) found[`Icmp${keys[at]}`] = Number(value);
    for (const [, name, value] of stdout.matchAll(/^(Icmp6\w+)\s+(\d+)$/gm)) {
      found[name] = Number(value);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

/** A process, and all that it has said so far. */
export class Running implements AsyncDisposable {
  stdout = "";
  stderr = "";
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  #woken = Promise.withResolvers<void>();

  constructor(command: readonly string[]) {
    this.#child = Bun.spawn([...command], { stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.#child.pid;
    const streams = [this.#listen("stdout"), this.#listen("stderr")];
    this.exited = Promise.all([this.#child.exited, ...streams]).then(([code]) => {
      this.#wake();
      return code;
    });
  }

  async #listen(name: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child[name]) {
      this[name] += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }

  /** Waits until stdout has this; throws when the process ends before. */
  async says(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.stdout)) {
      const { promise } = this.#woken;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        await this.exited;
        if (wanted.test(this.stdout)) return;
        throw new Error(`ended without ${wanted}: ${this.stdout}\n${this.stderr}`);
      }
      await Promise.race([promise, this.exited]);
    }
  }

  /** Waits until stdout or stderr has more than now. */
  async saysMore(): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error(`ended: ${this.stdout}\n${this.stderr}`);
    await Promise.race([this.#woken.promise, this.exited]);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

/** The parts of the report that tests look at. */
export interface ProbeJson {
  readonly schema: string;
  readonly sent: number;
  readonly received: number;
  readonly interval_ns: number;
  readonly duration_ns: number;
  readonly devices: readonly { name: string; rung: string; refused: readonly string[] }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly hosts: readonly {
    readonly target: string;
    readonly address: string | null;
    readonly device: string | null;
    readonly rung: string | null;
    readonly sent: number;
    readonly received: number;
    readonly loss: number | null;
    readonly duplicates: number;
    readonly reordered: number;
    readonly late: number;
    readonly answers: Readonly<Record<"echo" | "unreachable" | "syn_ack" | "reset", number>>;
    readonly ttl: number | null;
    readonly ttl_changes: number;
    readonly longest_outage_ns: number;
    readonly rtt: Readonly<Record<string, number | null>>;
    readonly user_rtt?: Readonly<Record<string, number | null>>;
    readonly forward?: Readonly<Record<string, number | null>>;
    readonly backward?: Readonly<Record<string, number | null>>;
    readonly turnaround?: Readonly<Record<string, number | null>>;
    readonly train?: {
      readonly complete: number;
      readonly available: { readonly p50_bps: number };
      readonly capacity: { readonly p50_bps: number };
    };
    readonly errors: readonly { meaning: string; count: number }[];
  }[];
}
