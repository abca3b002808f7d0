/** What watching costs: the kernel's own count of time in komon's programs, over a while after the measurement. */
import { RunStatistics } from "../kernel/info.ts";
import type { ProgramCost } from "../model/result.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";

export interface Cost {
  readonly programs: readonly ProgramCost[];
  /** See {@link nsPerPacket}. */
  readonly ns_per_packet: number;
  /** That passed the VNF meanwhile. */
  readonly packets: number;
}

/** They run for every system call of the host; only those of the VNF's threads are counted to its packets. */
const hostWide = ["send_sys_enter", "read_sys_exit"];

/**
 * Counting costs tens of ns a run itself, so it is on only now.
 * Waits until `packets` have passed, or for `limitMs`.
 */
export async function measureCost(
  probe: VnfProbe,
  vnf: number,
  packets: number,
  limitMs: number,
  stop: AbortSignal,
): Promise<Cost> {
  using _counting = new RunStatistics();
  const before = probe.programs();
  const first = probe.activity(vnf);
  const deadline = performance.now() + limitMs;
  let passed = 0;
  while (passed < packets && performance.now() < deadline && !stop.aborted) {
    await Bun.sleep(10);
    passed = probe.activity(vnf).matched - first.matched;
  }
  const ownCalls = probe.activity(vnf).ownCalls - first.ownCalls;
  const programs = [...probe.programs()].map(([program, now]): ProgramCost => {
    const then = before.get(program);
    const runs = now.runs - (then?.runs ?? 0);
    const ns = now.runTimeNs - (then?.runTimeNs ?? 0);
    return { program, runs, ns_per_run: runs > 0 ? ns / runs : 0 };
  });
  return { programs, ns_per_packet: nsPerPacket(programs, passed, ownCalls), packets: passed };
}

/**
 * Time in komon's programs per packet that passed the VNF: each program's mean run, times the runs that a packet needs:
 * one, or the VNF's own system calls. Runs for other traffic of the host are not in it as runs, but as a part of the
 * mean, and they are short: what a packet really costs lies above.
 */
export function nsPerPacket(
  programs: readonly ProgramCost[],
  packets: number,
  ownCalls: number,
): number {
  const total = programs.reduce((sum, { program, runs, ns_per_run }) => {
    const needed = hostWide.includes(program) ? ownCalls : packets;
    return sum + ns_per_run * Math.min(runs, needed);
  }, 0);
  return packets > 0 ? total / packets : Number.NaN;
}
