/** Sampled intervals: take PACKETS packets, pause, again. KOMon's scheme, with the end of each interval certain. */

import type { SpanRecords } from "../model/records.ts";
import type { Gap } from "../model/run.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";
import type { Random } from "../stats/random.ts";

export interface IntervalPlan {
  readonly intervals: number;
  readonly packets: number;
  readonly sleepNs: number;
  readonly gap: Gap;
  /** An interval that takes longer ends incomplete. */
  readonly timeoutNs: number;
  readonly pps: number;
}

/** A packet that was sent reaches its device within the send call; one that has not by then never will. */
const transmitMs = 20;

/** KOMon's script sleeps SLEEP + Exp(SLEEP) between intervals. */
export function gapNs(gap: Gap, sleepNs: number, random: Random): number {
  const drawn = gap === "fixed" ? 0 : random.exponential(sleepNs);
  return gap === "exp" ? drawn : sleepNs + drawn;
}

/**
 * Runs one interval and appends its records. Returns the packets that are missing: 0 when complete.
 * Ends early when `stop` is aborted or `alive` says that nothing can come any more.
 */
export async function runInterval(
  probe: VnfProbe,
  vnf: number,
  interval: number,
  plan: IntervalPlan,
  records: SpanRecords,
  stop: AbortSignal,
  alive: () => boolean,
): Promise<number> {
  const wanted = records.length + plan.packets;
  const deadline = performance.now() + plan.timeoutNs / 1e6;
  let allTakenAt = Number.POSITIVE_INFINITY;
  probe.sample(vnf, interval, plan.packets);
  for (;;) {
    probe.read(records);
    const missing = wanted - records.length;
    if (missing <= 0) return 0;
    const now = performance.now();
    if (stop.aborted || !alive() || now > deadline) break;
    if (probe.taken(vnf) === plan.packets) allTakenAt = Math.min(allTakenAt, now);
    if (now - allTakenAt > transmitMs) probe.readUntransmitted(vnf, records);
    await Bun.sleep(pauseMs(missing, plan.pps));
  }
  probe.sample(vnf, 0, 0);
  await Bun.sleep(1);
  probe.read(records);
  probe.readUntransmitted(vnf, records);
  return wanted - records.length;
}

/** As long as the missing packets take to come, between 1 and 50 ms: few wake-ups, no late end. */
function pauseMs(missing: number, pps: number): number {
  return Math.min(50, Math.max(1, (missing / pps) * 1000));
}
