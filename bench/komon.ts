/** The binary under test, and a host of its own to run it in. */

import type { RunResult } from "../src/model/result.ts";
import type { Calibration } from "../src/run/calibration.ts";
import { World } from "../tests/support/world.ts";

export { World };

/** Cold caches are the machine's, not komon's: the CPUs are kept awake, as latency benchmarks do. */
export const quiet: readonly string[] = ["--no-cost", "--awake"];

/** One `komon run` in the world; its JSON. */
export async function runIn(
  world: World,
  values: readonly (string | number)[],
  ...more: string[]
): Promise<RunResult> {
  const out = `/tmp/out-${crypto.randomUUID()}`;
  return world.komonJson<RunResult>("run", ...values.map(String), "--out", out, ...more);
}

/** Calibrates the world's komon, its CPUs awake; what it keeps lies in a folder of the world's own. */
export async function calibrateIn(world: World, ...more: string[]): Promise<Calibration> {
  await world.run(["mount", "-t", "tmpfs", "none", "/var/lib"]);
  const words = ["doctor", "--calibrate", "--awake", ...more];
  const said = await world.komonJson<{ calibration: Calibration }>(...words);
  return said.calibration;
}
