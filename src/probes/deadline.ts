import { readU64 } from "../kernel/counter.ts";
import { komonDeadline } from "../kernel/generated/vnf.ts";
import { View } from "./view.ts";

/** Packets judged by a deadline, counted in the kernel as they leave. */
export interface Deadline {
  readonly judged: number;
  readonly missed: number;
  /** Most misses in a row, in the order in which packets left. */
  readonly longestRun: number;
  readonly worstNs: number;
  /** When the worst packet left, CLOCK_MONOTONIC. */
  readonly worstAtNs: number;
}

/** One entry a VNF, over all CPUs. */
export class DeadlineMemory extends View {
  read(index: number): Deadline {
    const { judged, missed, longestRun, worstNs, worstAtNs } = komonDeadline.fields;
    const u64 = ({ offset }: { offset: number }) =>
      readU64(this.view, index * komonDeadline.size + offset);
    return {
      judged: u64(judged),
      missed: u64(missed),
      longestRun: u64(longestRun),
      worstNs: u64(worstNs),
      worstAtNs: u64(worstAtNs),
    };
  }
}
