/**
 * komon is killed (SIGKILL) at 100 random moments of what it does. After `komon cleanup` the host is as it was: no
 * process, BPF object, pin, device, qdisc, namespace, mount, file or sysctl more. Each lane is a host of its own.
 */
import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { Random } from "../../src/stats/random.ts";
import { unheldObjects } from "../support/bpfObjects.ts";
import { komonCommand } from "../support/komon.ts";
import { World } from "../support/world.ts";

interface Victim {
  readonly name: string;
  /** Its share of the moments. */
  readonly weight: number;
  /** What it runs at the `kill`-th kill. */
  readonly words: (kill: number) => string[];
  /** It does not end by itself: the moments are drawn from so many ms. */
  readonly endlessMs?: number;
  /** What it made to stay, and what takes that away again. */
  readonly undo?: readonly string[];
}

/** Every command that makes something outside its own process. */
const victims: readonly Victim[] = [
  {
    name: "run",
    weight: 4,
    words: (kill) => `run 3 20 0.02 2000 64 0 --out /tmp/out/${kill}`.split(" "),
  },
  {
    name: "sweep",
    weight: 2,
    words: (kill) => `sweep /tmp/parameters --reps 1 --out /tmp/out/${kill}`.split(" "),
  },
  {
    name: "attach",
    weight: 2,
    words: (kill) => ["attach", "--port", `${2000 + (kill % 1000)}`, "--cbsize", "100"],
    undo: ["detach", "--all"],
  },
  {
    name: "monitor",
    weight: 1,
    words: () => ["monitor", "--port", "2000", "--interval", "50ms", "--format", "jsonl"],
    endlessMs: 700,
  },
  { name: "probe", weight: 1, words: () => "probe 127.0.0.1 --count 20 -p 10".split(" ") },
  {
    name: "export",
    weight: 1,
    words: () => "export --vnf 2000 --web.listen-address 127.0.0.1:0".split(" "),
    endlessMs: 700,
  },
  { name: "trace", weight: 1, words: () => ["trace", "tcplife"], endlessMs: 600 },
  { name: "testbed", weight: 1, words: () => ["testbed", "up"], undo: ["testbed", "down"] },
];

/** All of them within a minute on 2 cores; more, or another seed, by these variables. */
const wanted = Number(process.env.KOMON_TEST_KILLS ?? 100);
const seed = Number(process.env.KOMON_TEST_SEED ?? Date.now() % 1e6);
const lanes = 4;

/** Processes in the world's mount namespace, other than the one that holds it. */
function processesIn(world: World): string[] {
  const home = readlinkSync(`/proc/${world.pid}/ns/mnt`);
  return readdirSync("/proc").filter((pid) => {
    try {
      return pid !== `${world.pid}` && readlinkSync(`/proc/${pid}/ns/mnt`) === home;
    } catch {
      return false;
    }
  });
}

/** Counters that the kernel itself moves, and settings that no process has. */
const volatile = /nf_conntrack_count|flush|random|tcp_mem|udp_mem/;

/**
 * Everything that could stay, as text. Results are no leftovers, nor is the folder of a sweep's run that --resume will
 * measure again; half-written files are.
 */
async function stateOf(world: World): Promise<string[]> {
  const { stdout } = await world.run([
    "sh",
    "-c",
    `ip -o link; ip -o address; ip route show table all; ip -6 route show table all; ip neighbour; ip rule
     tc qdisc; ip netns; cat /proc/self/mounts; find /tmp /run /dev/shm /sys/fs/bpf -mindepth 1 ! -path '/tmp/out*' ! -path /tmp/parameters
     find /tmp/out -name '.*.tmp'; cat /proc/sys/kernel/bpf_stats_enabled; grep -rs . /proc/sys/net`,
  ]);
  return stdout.split("\n").filter((line) => !volatile.test(line));
}

function differences(before: readonly string[], after: readonly string[]): string[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
    // Mounts that the world inherited go with namespaces that others remove outside it.
    ...before
      .filter((line) => !is.has(line) && !line.startsWith("nsfs "))
      .map((line) => `- ${line}`),
  ];
}

/** How many of each were killed. */
const kills: Record<string, number> = {};

/** Measured by the lane that comes first. */
const lives: Record<string, number | Promise<number>> = {};

class Lane {
  constructor(
    readonly world: World,
    readonly before: readonly string[],
  ) {}

  static async open(world: World): Promise<Lane> {
    // What iproute2 leaves after the first namespace of a host is its own: a folder, and a mount on it.
    const prepare = `mount -t bpf bpf /sys/fs/bpf; ip netns add first; ip netns del first
      echo 2 20 0.02 2000 64 0 0 > /tmp/parameters`;
    await world.run(["sh", "-c", prepare]);
    return new Lane(world, await stateOf(world));
  }

  /** Kills `victim` at `share` of its life, cleans up, and returns what is there that was not. */
  async kill(victim: Victim, kill: number, share: number): Promise<string[]> {
    lives[victim.name] ??= victim.endlessMs ?? this.#life(victim);
    const lifeMs = await lives[victim.name];
    const child = Bun.spawn(this.world.command([...komonCommand, ...victim.words(kill)]), {
      stdio: ["ignore", "ignore", "ignore"],
    });
    await Promise.race([child.exited, Bun.sleep(share * lifeMs)]);
    child.kill("SIGKILL");
    await child.exited;
    const killed = child.signalCode === "SIGKILL";
    if (killed) kills[victim.name] = (kills[victim.name] ?? 0) + 1;
    return this.#left(victim, killed);
  }

  async #left({ undo }: Victim, killed: boolean): Promise<string[]> {
    const cleaned = await this.world.komon("cleanup");
    if (undo) {
      // What was made to stay before the end does stay.
      if (!killed) expect(differences(this.before, await stateOf(this.world))).not.toEqual([]);
      await this.world.komon(...undo);
    }
    const told =
      cleaned.code === 0 ? [] : [`cleanup ended with ${cleaned.code}: ${cleaned.stderr}`];
    const processes = processesIn(this.world).map((pid) => `process ${pid}`);
    return [...told, ...processes, ...differences(this.before, await stateOf(this.world))];
  }

  /** How long it lives when nobody kills it, which leaves nothing either. */
  async #life(victim: Victim): Promise<number> {
    const started = performance.now();
    const said = await this.world.komon(...victim.words(999_999));
    const life = performance.now() - started;
    if (said.code !== 0) throw new Error(said.stderr);
    expect(await this.#left(victim, false)).toEqual([]);
    return life;
  }
}

test(`SIGKILL at ${wanted} random moments (KOMON_TEST_SEED=${seed}) leaves nothing behind`, async () => {
  const random = new Random(seed);
  const wheel = victims.flatMap((victim) => Array<Victim>(victim.weight).fill(victim));
  const killed = () => Object.values(kills).reduce((sum, count) => sum + count, 0);
  let drawn = 0;
  const unheldBefore = new Set(unheldObjects());
  const ended = await Promise.allSettled(
    Array.from({ length: lanes }, async () => {
      await using world = await World.open();
      const lane = await Lane.open(world);
      // A signal that comes after the end is no kill: another moment is drawn.
      while (killed() < wanted && drawn < 2 * wanted) {
        const kill = drawn++;
        const [victim, share] = [wheel[kill % wheel.length], random.next()];
        const left = await lane.kill(victim, kill, share);
        const { name } = victim;
        expect({ kill, name, share, left }).toEqual({ kill, name, share, left: [] });
      }
    }),
  );
  for (const lane of ended) if (lane.status === "rejected") throw lane.reason;
  console.log(`killed, of ${drawn}: ${JSON.stringify(kills)}`);
  expect(killed()).toBeGreaterThanOrEqual(wanted);
  for (const { name } of victims) expect(kills[name]).toBeGreaterThan(0);
  expect(await stillUnheld(unheldBefore)).toEqual([]);
}, 300_000);

/** The kernel frees BPF objects a moment after their last holder has gone; other tests come and go beside. */
async function stillUnheld(before: ReadonlySet<string>): Promise<string[]> {
  const until = performance.now() + 10_000;
  let left = unheldObjects().filter((object) => !before.has(object));
  while (left.length > 0 && performance.now() < until) {
    await Bun.sleep(50);
    const now = new Set(unheldObjects());
    left = left.filter((object) => now.has(object));
  }
  return left;
}
