import type { Law } from "./laws.ts";

/** One parameter combination: what `komon run` measures, and what result files are named after. */
export interface RunParams {
  /** Sampling intervals. */
  readonly intervals: number;
  /** Packets sampled per interval. */
  readonly packets: number;
  /** Pause between two intervals. */
  readonly sleepNs: number;
  /** Packets offered per second. */
  readonly pps: number;
  /** UDP payload. */
  readonly sizeBytes: number;
  /** Mean service time of the example VNF. */
  readonly delayNs: number;
  readonly law: Law;
  /** Repetition, 1…. */
  readonly rep: number;
}

/** How the pause between two intervals is drawn. KOMon's script: `fixed+exp`. */
export const gaps = ["fixed", "exp", "fixed+exp"] as const;
export type Gap = (typeof gaps)[number];
