/** A testbed that komon has built, and packets through it. */
import { expect } from "bun:test";
import { join } from "node:path";
import { top } from "./komon.ts";
import { lineOf, type World } from "./world.ts";

/** A prime number of packets: no multiple of it looks like another count. */
export const PACKETS = 23;
const PORT = "9000";

export interface Facts {
  readonly id: string;
  readonly gen_namespace: string;
  readonly sink_namespace: string;
  readonly in_device: { name: string; ifindex: number };
  readonly out_device: { name: string; ifindex: number };
  readonly ipv4: Record<"gen" | "host_in" | "host_out" | "target", string>;
  readonly ipv6: Record<"gen" | "host_in" | "host_out" | "target", string> | null;
}

export const program = (name: string, ...words: string[]): string[] => [
  process.execPath,
  join(top, `tests/kernel/programs/${name}.ts`),
  ...words,
];

/** Sends from the generator's namespace through a forwarder on the host. */
export async function send(world: World, bed: Facts, family: "ipv4" | "ipv6", target: string) {
  const from = bed[family];
  if (!from) throw new Error(`testbed ${bed.id} has no ${family}`);
  const vnf = Bun.spawn(
    world.command(program("forward", from.host_in, PORT, String(PACKETS), target)),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await lineOf(vnf.stdout, /ready/);
  const load = Bun.spawn(
    world.command(
      program(target === "echo" ? "ask" : "send", from.host_in, PORT, String(PACKETS)),
      bed.gen_namespace,
    ),
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  expect([await load.exited, await vnf.exited]).toEqual([0, 0]);
}

export async function counters(world: World, id: string) {
  type Rows = { rows: Record<string, number>[] };
  const { rows } = await world.komonJson<Rows>("testbed", "status", "--id", id);
  const { gen_tx, in_rx, out_tx, sink_rx, in_tx, gen_rx, sink_tx, out_rx } = rows[0];
  return { there: [gen_tx, in_rx, out_tx, sink_rx], back: [sink_tx, out_rx, in_tx, gen_rx] };
}
