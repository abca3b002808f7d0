/** Ending komon in the midst of things, and `komon cleanup`. */
import { komonCommand } from "./komon.ts";
import type { World } from "./world.ts";

interface Removed {
  readonly owner_pid: number | null;
  readonly of: string;
  readonly resource: string;
  readonly result: string;
}

export async function cleanup(world: World, ...flags: string[]): Promise<readonly Removed[]> {
  return (await world.komonJson<{ rows: Removed[] }>("cleanup", ...flags)).rows;
}

/** Starts komon, and kills it once `moment` has come or it has ended by itself. */
export async function killAt(world: World, words: readonly string[], moment: () => boolean) {
  const child = Bun.spawn(world.command([...komonCommand, ...words]), {
    stdio: ["ignore", "ignore", "ignore"],
  });
  while (!moment() && child.exitCode === null && child.signalCode === null) await Bun.sleep(0);
  child.kill("SIGKILL");
  await child.exited;
  return child.signalCode === "SIGKILL";
}
