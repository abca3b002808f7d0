/** A flood of echo replies from the far end, and who takes it at the near end. */
import { run } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";
import { lineOf } from "../../tests/support/world.ts";
import type { Flood } from "./victimAnswer.ts";

/** "ours" and "first": komon's probe takes them for answers; "foreign": with another cookie. Frames per second. */
export async function flood(pair: Pair, frames: number, whose: Flood): Promise<number> {
  const link = await pair.world.ip("link", "show", "near");
  const mac = /link\/ether (\S+)/.exec(link)?.[1] ?? "";
  const words = ["bench/probe/flooder.ts", String(pair.farIndex), String(frames), whose, mac];
  const { stdout, stderr } = await run(pair.world.command([process.execPath, ...words], "far"));
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as { pps: number }).pps;
}

/** A process that holds a drop at the near device: `bare`, `clock`, `least`, or komon's on a rung. */
export class Victim {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#child = child;
  }

  static async start(pair: Pair, what: string, whose: Flood = "ours"): Promise<Victim> {
    const words = [process.execPath, "bench/probe/victim.ts", what, whose];
    const child = Bun.spawn(pair.world.command(words), { stdio: ["pipe", "pipe", "inherit"] });
    await lineOf(child.stdout, /ready/);
    return new Victim(child);
  }

  /** komon's counters; none from the other drops. */
  async end(): Promise<Readonly<Record<string, number>>> {
    this.#child.stdin.end();
    const counters = await lineOf(this.#child.stdout, /^\{/);
    await this.#child.exited;
    return JSON.parse(counters);
  }
}
