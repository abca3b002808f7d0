import { createHash } from "node:crypto";
import type { SweepRun } from "./runs.ts";
import { runKey } from "./runs.ts";

/**
 * The seed of a run: its line's, or one that follows from the sweep's seed and the run's name, so
 * that it is the same in whatever order and how often the sweep is resumed. 48 bits.
 */
export function seedOf(sweepSeed: number, run: SweepRun): number {
  const given = run.options.seed;
  if (typeof given === "number") return given;
  const hash = createHash("sha256")
    .update(`${sweepSeed} ${runKey(run)}`)
    .digest();
  return hash.readUIntBE(0, 6);
}
