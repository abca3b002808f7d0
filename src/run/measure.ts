/**
 * The main job: testbed, VNF, load and probe for one parameter combination. Everything is waited for by its own
 * word, never by time; whatever way it ends, what was measured so far is in the files and the rest is gone.
 */
import { once } from "node:events";
import { statSync } from "node:fs";
import { Awake } from "../kernel/awake.ts";
import type { LoadReport } from "../model/result.ts";
import { VnfProbe } from "../probes/vnf/probe.ts";
import { ResultFiles } from "../results/writer.ts";
import { openTestbed } from "../testbed/testbed.ts";
import { accountOf, type Measured } from "./account.ts";
import type { Child, Ready } from "./child.ts";
import { measureCost } from "./cost.ts";
import type { RunOptions } from "./options.ts";
import { chooseCpus, startLoad, startVnf } from "./roles.ts";
import { Scratch } from "./scratch.ts";
import { type Progress, Session } from "./session.ts";
import { boundTo } from "./socketQueue.ts";

export type { Measured } from "./account.ts";
export type { Progress } from "./session.ts";

/** The programs' cost is counted over this many packets, or for this long at most. */
const costPackets = 2000;
const costLimitMs = 250;

export async function measure(
  options: RunOptions,
  stop: AbortSignal,
  progress: Progress = () => {},
): Promise<Measured> {
  const { external } = options;
  using files = options.out === undefined ? undefined : filesOf(options.out, options);
  await using bed = await openTestbed();
  using scratch = new Scratch();
  using _awake = options.awake ? new Awake() : undefined;
  const cpus = chooseCpus(options.cpu);
  await using vnf = external ? undefined : startVnf(options, bed, scratch.truth, cpus.vnf);
  await using load = startLoad(options, bed, cpus.load);
  using probe = VnfProbe.open({ hooks: options.hooks, ringBytes: 4 << 20 });
  const number = probe.watch(options.port, {
    netns: statSync("/proc/self/ns/net").ino,
    inIfindex: bed.inDevice.ifindex,
    ...(!external && { outIfindex: bed.outDevice.ifindex }),
  });
  const ready = await start(load, vnf, stop);

  const session = new Session(options, probe, number, files, stop, progress);
  session.alive = () => !load.failed && vnf?.running !== false;
  session.bound = boundTo([bed.hostIn4, bed.hostIn6]);
  await session.sample();
  const cost =
    options.cost && !session.ended
      ? await measureCost(probe, number, costPackets, costLimitMs, stop)
      : undefined;
  if (session.ended === undefined && !session.alive()) session.ended = await deathOf(load, vnf);
  const loadReport = parseLoad(await load.stop());
  await settled(probe, number);
  await vnf?.stop();
  probe.detach();
  const truthIsThere = vnf !== undefined && !vnf.failed;
  const hadWork = session.records.length > 0;
  if (vnf?.failed && hadWork && (session.ended ?? "interrupted") === "interrupted") {
    session.ended = (await vnf.failure("left no truth")).message;
  }
  return accountOf(session, {
    cost,
    load: loadReport,
    vnf: ready,
    truthPath: truthIsThere ? scratch.truth : undefined,
    cpus,
  });
}

function filesOf(out: string, { params, external }: RunOptions): ResultFiles {
  return new ResultFiles(out, params, external ? ["KERNEL", "BUFFER", "SPANS"] : undefined);
}

/**
 * Waits for both, and lets the load begin. Ctrl-C ends a child that has no session of its own yet; then the same
 * signal is on its way to komon.
 */
async function start(
  load: Child,
  vnf: Child | undefined,
  stop: AbortSignal,
): Promise<Ready | undefined> {
  try {
    const ready = await vnf?.ready();
    await load.ready();
    load.go();
    return ready;
  } catch (error) {
    if (!stop.aborted) await Promise.race([once(stop, "abort"), Bun.sleep(100)]);
    if (!stop.aborted) throw error;
    return undefined;
  }
}

/** Waits until nothing moves any more, so that the account is exact; half a second at most. */
async function settled(probe: VnfProbe, vnf: number): Promise<void> {
  const deadline = performance.now() + 500;
  let before = -1;
  for (;;) {
    const { seen, matched, in_flight } = probe.coverage(vnf);
    if ((seen + matched === before && in_flight === 0) || performance.now() > deadline) return;
    before = seen + matched;
    await Bun.sleep(20);
  }
}

async function deathOf(load: Child, vnf: Child | undefined): Promise<string> {
  const dead = load.failed ? load : vnf;
  return dead ? (await dead.failure("ended while it was measured")).message : "unknown";
}

/** Undefined when it ended without a report. */
function parseLoad(said: string): LoadReport | undefined {
  const line = said.trim().split("\n").at(-1);
  return line?.endsWith("}") ? (JSON.parse(line) as LoadReport) : undefined;
}
