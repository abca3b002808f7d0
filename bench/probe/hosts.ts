import type { Pair } from "../../tests/support/pair.ts";

/** In the pair's own /tmp, one address a line. */
export const hostFile = "/tmp/hosts";

const routed = new WeakSet<Pair>();

/** So many hosts that answer at the far end, 10.96.0.0 and on, in {@link hostFile}. */
export async function addHosts(pair: Pair, count: number): Promise<void> {
  const hosts = Array.from({ length: count }, (_, n) => `10.96.${n >> 8}.${n & 255}`);
  pair.world.write(hostFile, `${hosts.join("\n")}\n`);
  if (routed.has(pair)) return;
  routed.add(pair);
  // One route for all: the far end takes what goes to this net for its own.
  await pair.world.ip(..."-n far route add local 10.96.0.0/16 dev lo".split(" "));
  await pair.world.ip("route", "add", "10.96.0.0/16", "via", "10.77.0.2");
}
