/** A million packets that are not ours, on each rung: how many are touched. The stack's own counters are the witness. */
import type { Pair } from "../../tests/support/pair.ts";
import { flood, Victim } from "./flood.ts";

const frames = 1_000_000;

export async function foreign(pair: Pair): Promise<void> {
  console.log(`\n${frames} echo replies of somebody else, with komon at the device`);
  for (const rung of ["tc", "xdp-generic", "xdp-native"] as const) {
    const victim = await Victim.start(pair, rung);
    if (rung !== "xdp-native") await pair.run("ethtool", "-K", "near", "gro", "on");
    const before = await ipReceived(pair);
    await flood(pair, frames, "foreign");
    const reached = (await ipReceived(pair)) - before;
    const { seen, foreign, dropped } = await victim.end();
    await pair.run("ethtool", "-K", "near", "gro", "off");
    console.log(
      `${rung.padEnd(12)} ${seen} seen, ${foreign} known as foreign, ${dropped} dropped, ${reached} reached IP`,
    );
  }
}

/** Packets that IP has got, good or not (InReceives). */
async function ipReceived(pair: Pair): Promise<number> {
  const { stdout } = await pair.run("cat", "/proc/net/snmp");
  return Number(/^Ip: \d+ \d+ (\d+)/m.exec(stdout)?.[1]);
}
