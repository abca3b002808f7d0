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

/** The largest values that a run takes, from the command line or a parameter file. */
export const largest = {
  intervals: 1e7,
  packets: 1e8,
  sleepNs: 3600e9,
  pps: 1e8,
  /** What fits into a UDP packet over IPv4. */
  sizeBytes: 65_507,
  delayNs: 60e9,
  rep: 1e6,
  burst: 1e6,
  flows: 1000,
  workers: 256,
  bufferBytes: 2 ** 30,
} as const;
