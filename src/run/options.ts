import type { Gap, RunParams } from "../model/run.ts";
import type { Wait } from "../model/wait.ts";
import type { Rung } from "../probes/vnf/hooks.ts";

/** One measurement: what `komon run` was asked for. */
export interface RunOptions {
  readonly params: RunParams;
  readonly gap: Gap;
  readonly hooks: Rung | "auto";
  readonly seed: number;
  /** Folder for the result files; undefined = none are written. */
  readonly out: string | undefined;
  readonly port: number;
  readonly ipv6: boolean;
  /** CPU of the VNF; undefined = chosen: the last one, away from the load. */
  readonly cpu: number | undefined;
  /** A VNF that runs already listens on `port`; komon sends to it and knows no truth. */
  readonly external: boolean;
  /** Further flags for `komon vnf` and `komon load`. */
  readonly vnfArgs: readonly string[];
  readonly loadArgs: readonly string[];
  /** An interval that takes longer ends incomplete; default 2 s and five times what it should take. */
  readonly timeoutNs: number | undefined;
  /** Keep the CPUs from sleeping between packets. */
  readonly awake?: boolean;
  /** Where the example VNF waits for packets; default {@link defaultWait}. */
  readonly wait?: Wait;
  /** Watch the program's own cost after the intervals. */
  readonly cost: boolean;
}

/** The interval's time-out where none is given, in ns. */
export function defaultTimeoutNs(packets: number, pps: number): number {
  return 2e9 + (5 * packets * 1e9) / pps;
}
