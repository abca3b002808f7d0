/**
 * What watching costs a packet: time in komon's programs at a rate that keeps caches warm, without the kernel's own
 * count of it, which a program that does nothing tells.
 *
 * Most hooks are passed by others, too: the load's calls and packets, and the answers on their way back. How long a run
 * takes that is none of the VNF's, and one for a receive call, is measured on its own and taken off.
 */
import { openCgroupRoot } from "../src/kernel/cgroup.ts";
import { programName, RunStatistics } from "../src/kernel/info.ts";
import { libc } from "../src/kernel/libc.ts";
import { BpfObject } from "../src/kernel/object.ts";
import { VnfProbe } from "../src/probes/vnf/probe.ts";
import { median } from "../src/stats/summary.ts";
import { infoOfProgram, loadedPrograms } from "../tests/support/bpfObjects.ts";
import { run } from "../tests/support/komon.ts";
import { type Running, sources, startVnf } from "../tests/support/traffic.ts";
import { compileBench } from "./probe/compile.ts";
import { ns, printRows, type Row } from "./table.ts";

const rounds = 7;
const traffic = ["--pps", "60k", "--duration", "400ms", "--cpu", "0", "--flows", "1"];
const vnfWords = ["--cpu", "1", "--nice", "-20", "--wait", "receive"];

/** Of one program, while the kernel counted. */
interface Count {
  readonly runs: number;
  readonly ns: number;
}

/** One round: the kernel's count per program, and what the probe says of the VNF. */
interface Round {
  readonly counts: ReadonlyMap<string, Count>;
  readonly packets: number;
  readonly calls: number;
  readonly seen: number;
}

export async function cost(): Promise<void> {
  using empty = BpfObject.open(await compileBench("floor", "bench"));
  empty.choose(["tx"]);
  empty.load();
  using _attached = empty.program("tx").attach();
  await using vnf = await startVnf(...vnfWords);
  const floorNs = await countedNs(empty, vnf.ready.port);
  const paired = await measured({}, vnf.ready.port, floorNs);
  // Without pairing at tx: where the window that tells packets apart does not begin at the payload's first byte.
  const plain = await measured({ digestOffset: 8 }, vnf.ready.port, floorNs);
  const pairing = paired.tx - plain.tx;
  const two = paired.rx + paired.send + pairing;
  const all = Object.values(paired).reduce((sum, value) => sum + value, 0);
  const least = await leastNs(vnf, floorNs);
  const peer = await bpftrace(vnf, floorNs);
  const shown = (what: string, value: number): Row => ({
    ...{ what, measured: ns(value), must: "", aim: "", peer: "", met: undefined },
  });
  printRows(
    `cost of one packet, median of ${rounds} rounds, without the kernel's own ${ns(floorNs)} a run`,
    [
      ...Object.entries(paired).map(([what, value]) => shown(what, value)),
      shown("pairing, in tx", pairing),
      {
        what: "rx + send, and their pairing",
        measured: ns(two),
        must: "≤ 200 ns",
        aim: "100 ns",
        peer: `bpftrace, a stamp and a histogram, nothing paired: ${peer}`,
        met: two <= 200,
      },
      shown("the same without ledger, pairing and account: nothing can be less", least),
      shown("all points", all),
    ],
  );
}

type Points = Record<
  "nic" | "rx" | "drop" | "receive" | "read" | "returns" | "send" | "tx",
  number
>;

/** What each point takes for one packet of the VNF. */
async function measured(
  options: Parameters<typeof VnfProbe.open>[0],
  port: number,
  floorNs: number,
): Promise<Points> {
  using probe = VnfProbe.open({ ...options, hooks: "auto" });
  const at = probe.watch(port);
  const perRun = (round: Round, name: string) => {
    const { runs, ns } = of(round, name);
    return runs > 0 ? ns / runs - floorNs : 0;
  };
  // Strangers: traffic to a VNF that nobody watches.
  await using other = await startVnf(...vnfWords);
  const strange = await round(probe, at, () => drive(other.ready.port));
  // Receive calls that find nothing: a VNF that asks without pause.
  await using asking = await startVnf(...vnfWords.slice(0, 4), "--wait", "never");
  using idleProbe = VnfProbe.open(options);
  const idleAt = idleProbe.watch(asking.ready.port);
  await drive(asking.ready.port, "--count", "10");
  const idle = await round(idleProbe, idleAt, () => Bun.sleep(300));
  await asking.stop();

  const points: Points[] = [];
  for (let i = 0; i < rounds; i++) {
    const now = await round(probe, at, () => drive(port));
    const receives = now.calls - now.packets;
    /** A program's time for one packet, when `own` of its runs are the VNF's. */
    const share = (name: string, own: number) => {
      const { runs, ns } = of(now, name);
      return (ns - runs * floorNs - (runs - own) * perRun(strange, name)) / now.packets;
    };
    const receive = (perRun(idle, "send_sys_enter") * receives) / now.packets;
    points.push({
      nic: share("nic_tp", now.seen),
      rx: share("rx_cgroup", now.seen),
      drop: (of(now, "drop_tp").ns - of(now, "drop_tp").runs * floorNs) / now.packets,
      receive,
      read: share("read_tp", now.packets),
      returns: share("read_sys_exit", now.calls),
      send: share("send_sys_enter", now.calls) - receive,
      tx: share("tx_tp", now.packets),
    });
  }
  const names = Object.keys(points[0]) as (keyof Points)[];
  return Object.fromEntries(
    names.map((name) => [name, median(points.map((point) => point[name]))]),
  ) as Points;
}

/** Sends as fast as asked, or as this machine can; how many packets that were. */
async function drive(port: number, ...words: string[]): Promise<number> {
  const more = words.length > 0 ? words : traffic;
  const said = await run([...sources, "load", `127.0.0.1:${port}`, "--format", "json", ...more]);
  return JSON.parse(said.stdout).sent;
}

const of = ({ counts }: Round, name: string): Count => counts.get(name) ?? { runs: 0, ns: 0 };

async function round(probe: VnfProbe, vnf: number, during: () => Promise<unknown>): Promise<Round> {
  using _counting = new RunStatistics();
  const [before, first, seen] = [probe.programs(), probe.activity(vnf), probe.coverage(vnf).seen];
  await during();
  const [after, last] = [probe.programs(), probe.activity(vnf)];
  const counts = new Map<string, Count>();
  for (const [name, now] of after) {
    const then = before.get(name);
    counts.set(name, {
      runs: now.runs - (then?.runs ?? 0),
      ns: now.runTimeNs - (then?.runTimeNs ?? 0),
    });
  }
  return {
    counts,
    packets: last.matched - first.matched,
    calls: last.ownCalls - first.ownCalls,
    seen: probe.coverage(vnf).seen - seen,
  };
}

/** How long the kernel's count of a run says that doing nothing takes. */
async function countedNs(empty: BpfObject, port: number): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < rounds; i++) {
    using _counting = new RunStatistics();
    const before = empty.program("tx").info();
    await drive(port);
    const after = empty.program("tx").info();
    values.push((after.runTimeNs - before.runTimeNs) / (after.runs - before.runs));
  }
  return median(values);
}

/** What the two programs of bench/least.bpf.c take for a packet: a stamp and a digest, a stamp and three histograms. */
async function leastNs(vnf: Running, floorNs: number): Promise<number> {
  using object = BpfObject.open(await compileBench("least", "bench"));
  const options = new DataView(object.initialValue(".rodata.options"));
  options.setUint32(0, vnf.ready.port, false);
  options.setUint32(4, vnf.ready.tids[0], true);
  object.load();
  const root = openCgroupRoot();
  using _rx = object.program("least_rx").attachCgroup(root);
  using _send = object.program("least_send").attach();
  await using other = await startVnf(...vnfWords);
  const programs = [...object.programs.values()];
  const run = async (port: number) => {
    using _counting = new RunStatistics();
    const before = programs.map((program) => program.info());
    const sent = await drive(port);
    const counts = programs.map((program, at) => {
      const { runs, runTimeNs } = program.info();
      return { runs: runs - before[at].runs, ns: runTimeNs - before[at].runTimeNs };
    });
    return { sent, counts };
  };
  const strange = (await run(other.ready.port)).counts.map(({ runs, ns }) => ns / runs - floorNs);
  const values: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const { sent, counts } = await run(vnf.ready.port);
    const own = counts.map(
      ({ runs, ns }, at) => (ns - runs * floorNs - (runs - sent) * strange[at]) / sent,
    );
    values.push(own.reduce((sum, value) => sum + value, 0));
  }
  libc.close(root);
  return median(values);
}

/** What bpftrace's two programs take for a packet: a stamp at nic, a histogram of the time since at the send call. */
async function bpftrace(vnf: Running, floorNs: number): Promise<string> {
  if (!Bun.which("bpftrace")) return "not installed";
  const known = new Set(loadedPrograms());
  const [tid] = vnf.ready.tids;
  const script = `tracepoint:net:netif_receive_skb { @at = nsecs; }
    tracepoint:syscalls:sys_enter_sendto / tid == ${tid} / { @service = hist(nsecs - @at); }`;
  const child = Bun.spawn(["bpftrace", "-e", script], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    await Bun.sleep(3000);
    const theirs = loadedPrograms().filter((id) => !known.has(id));
    const values: number[] = [];
    for (let i = 0; i < rounds; i++) {
      using _counting = new RunStatistics();
      const before = theirs.map(infoOfProgram);
      const sent = await drive(vnf.ready.port);
      const after = theirs.map(infoOfProgram);
      const runs = after.reduce((sum, { runs }, at) => sum + runs - before[at].runs, 0);
      const spent = after.reduce((sum, one, at) => sum + one.runTimeNs - before[at].runTimeNs, 0);
      values.push((spent - runs * floorNs) / sent);
    }
    return `${ns(median(values))} in ${theirs.map((id) => programName(id)).join(", ")}`;
  } finally {
    child.kill("SIGKILL"); // it may wait for ever at SIGINT
    await child.exited;
  }
}
