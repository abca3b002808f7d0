import { Random } from "../stats/random.ts";
import type { SweepRun } from "./runs.ts";

/** `file`: as the lines stand, all of them before the next repetition. `random`: any, against drift. */
export const orders = ["file", "random"] as const;
export type Order = (typeof orders)[number];

/** The runs in the order in which they are measured; the same seed gives the same order. */
export function ordered(runs: readonly SweepRun[], order: Order, seed: number): SweepRun[] {
  return order === "random" ? new Random(seed).shuffle([...runs]) : [...runs];
}
