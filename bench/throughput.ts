/**
 * What watching takes from a saturated VNF: packets out of it, with and without a watcher, in turn (A B B A …), the
 * paired ratio with a bootstrap interval. Beside komon stand tcpdump, programs at komon's own hooks that do nothing, and
 * komon with nothing to watch.
 */
import { setPriority } from "node:os";
import { openCgroupRoot } from "../src/kernel/cgroup.ts";
import { libc } from "../src/kernel/libc.ts";
import { BpfObject } from "../src/kernel/object.ts";
import { VnfProbe } from "../src/probes/vnf/probe.ts";
import { Child } from "../src/run/child.ts";
import { bootstrapMedian } from "../src/stats/bootstrap.ts";
import { median } from "../src/stats/summary.ts";
import { openTestbed, type Testbed } from "../src/testbed/testbed.ts";
import { lineOf } from "../tests/support/world.ts";
import { compileBench } from "./probe/compile.ts";
import { ns, percent, printRows, type Row } from "./table.ts";

const pairs = 20;
const windowMs = 300;
const port = 1234;

interface Watcher {
  readonly name: string;
  /** Starts watching; what it gives ends it. */
  readonly start: () => Promise<() => Promise<void>>;
}

export async function throughput(): Promise<void> {
  await using bed = await openTestbed();
  const komon = watchKomon(bed);
  const rows: Row[] = [];
  // KOMon's usual service times; 0 is the worst case: a VNF that does nothing but two system calls.
  for (const delayUs of [50, 10, 0]) {
    await using scene = await Scene.open(bed, delayUs);
    rows.push(rowOf(await compare(scene, komon, `VNF of ${delayUs} µs: komon`), true));
    for (const watcher of [idle, ...(await floors()), ...tools(bed.inDevice.name)])
      rows.push(
        rowOf(await compare(scene, watcher, `VNF of ${delayUs} µs: ${watcher.name}`), false),
      );
  }
  printRows(`throughput of a saturated VNF, ${pairs} pairs of ${windowMs} ms`, rows);
}

/** A VNF that gets more packets than it can serve. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly bed: Testbed,
    readonly vnf: Child,
    readonly load: Child,
  ) {}

  static async open(bed: Testbed, delayUs: number): Promise<Scene> {
    setPriority(0); // the children inherit it
    const to = ["--address", bed.hostIn4, "--target", `${bed.target4}:${port}`];
    const vnf = new Child("the example VNF", [
      ...["vnf", "--port", `${port}`, ...to, "--delay", `${delayUs}us`],
      ...["--cpu", "1", "--nice", "-20"],
    ]);
    const pps = delayUs === 0 ? "400k" : `${Math.round(1.5e6 / delayUs)}`;
    const load = new Child("the load", [
      ...["load", `${bed.hostIn4}:${port}`, "--netns", bed.genNamespace, "--pps", pps],
      ...["--size", "128", "--cpu", "0", "--wait-go", "--format", "json"],
    ]);
    await vnf.ready();
    await load.ready();
    load.go();
    setPriority(-15); // both CPUs are full from now on
    await Bun.sleep(windowMs);
    return new Scene(bed, vnf, load);
  }

  /** Packets a second out of the VNF, over one window. */
  async pps(): Promise<number> {
    const before = this.bed.counters().sinkRx;
    const start = performance.now();
    await Bun.sleep(windowMs);
    return ((this.bed.counters().sinkRx - before) / (performance.now() - start)) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.load.stop();
    await this.vnf.stop();
  }
}

interface Compared {
  readonly what: string;
  readonly lost: number;
  readonly low: number;
  readonly high: number;
  readonly pps: number;
}

async function compare(scene: Scene, watcher: Watcher, what: string): Promise<Compared> {
  const ratios = new Float64Array(pairs);
  let pps = 0;
  const watched = async () => {
    const end = await watcher.start();
    const rate = await scene.pps();
    await end();
    return rate;
  };
  for (let pair = 0; pair < pairs; pair++) {
    const isFirst = pair % 2 === 0;
    const before = isFirst ? await watched() : 0;
    const bare = await scene.pps();
    ratios[pair] = (isFirst ? before : await watched()) / bare;
    pps += bare / pairs;
  }
  const { low, high } = bootstrapMedian(ratios, { seed: 1 });
  console.log(`  ${what}: ${percent(1 - median(ratios))} lost`);
  return { what, lost: 1 - median(ratios), low: 1 - high, high: 1 - low, pps };
}

function rowOf({ what, lost, low, high, pps }: Compared, isBar: boolean): Row {
  const addedNs = 1e9 / (pps * (1 - lost)) - 1e9 / pps;
  return {
    what,
    measured: `${percent(lost)} lost [${percent(low)}, ${percent(high)}] of ${Math.round(pps)} pps: ${ns(addedNs)} a packet`,
    must: isBar ? "≤ 5 %" : "",
    aim: isBar ? "2 %" : "",
    peer: "",
    met: isBar ? lost <= 0.05 : undefined,
  };
}

function watchKomon(bed: Testbed): Watcher {
  const devices = { inIfindex: bed.inDevice.ifindex, outIfindex: bed.outDevice.ifindex };
  return {
    name: "komon",
    start: async () => {
      const probe = VnfProbe.open();
      probe.watch(port, devices);
      return async () => probe[Symbol.dispose]();
    },
  };
}

/** Attached, and no port to watch: what all others of the host pay. */
const idle: Watcher = {
  name: "komon with nothing to watch",
  start: async () => {
    const probe = VnfProbe.open();
    return async () => probe[Symbol.dispose]();
  },
};

async function floors(): Promise<Watcher[]> {
  const object = await compileBench("floor", "bench");
  const atSystemCalls = ["send", "returned"];
  return [
    floor(object, "empty programs at the same hooks", []),
    floor(object, "the same without the two at system calls", atSystemCalls),
  ];
}

function floor(object: Uint8Array, name: string, without: readonly string[]): Watcher {
  return {
    name,
    start: async () => {
      const opened = BpfObject.open(object);
      opened.load();
      const root = openCgroupRoot();
      const links = [...opened.programs.values()]
        .filter((program) => !without.includes(program.name))
        .map((program) =>
          program.section.startsWith("cgroup") ? program.attachCgroup(root) : program.attach(),
        );
      return async () => {
        for (const link of links) link[Symbol.dispose]();
        libc.close(root);
        opened[Symbol.dispose]();
      };
    },
  };
}

/** The peer, if it is installed. */
function tools(device: string): Watcher[] {
  const words = ["tcpdump", "-ni", device, "-w", "/dev/null"];
  return [tool("tcpdump", words, /listening on/)].filter((one) => one !== undefined);
}

function tool(name: string, words: string[], ready: RegExp): Watcher | undefined {
  if (!Bun.which(name)) return undefined;
  return {
    name,
    start: async () => {
      const child = Bun.spawn(words, { stdio: ["ignore", "ignore", "pipe"] });
      await lineOf(child.stderr, ready);
      return async () => {
        child.kill("SIGINT");
        await child.exited;
      };
    },
  };
}
