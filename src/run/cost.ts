/** What watching costs: the kernel's own count of time in komon's programs, over a while after the measurement. */
import { RunStatistics } from "../kernel/info.ts";
import type { ProgramCost } from "../model/result.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";

export interface Cost {
  readonly programs: readonly ProgramCost[];
  /**
   * Time in them per packet that passed the VNF: each program's ns a run, times the runs it has for such a packet
   * (one, or the VNF's own system calls); runs for other traffic of the host are not in it, nor is the dispatch, but
   * the kernel's own counting is.
   */
  readonly ns_per_packet: number;
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
  const programs: ProgramCost[] = [];
  let total = 0;
  for (const [program, now] of probe.programs()) {
    const then = before.get(program);
    const runs = now.runs - (then?.runs ?? 0);
    const ns = now.runTimeNs - (then?.runTimeNs ?? 0);
    const perRun = runs > 0 ? ns / runs : 0;
    total += perRun * Math.min(runs, hostWide.includes(program) ? ownCalls : passed);
    programs.push({ program, runs, ns_per_run: perRun });
  }
  return { programs, ns_per_packet: passed > 0 ? total / passed : Number.NaN, packets: passed };
}
