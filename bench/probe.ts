/**
 * komon probe against ping and fping, between two namespaces: the thesis's tables 6.2 and 6.3 with the device's own
 * stamps as the truth; what match, stamp and drop cost; how many probes a process manages; what others notice.
 */
import { far, Pair } from "../tests/support/pair.ts";
import { beside } from "./probe/beside.ts";
import { delays } from "./probe/delay.ts";
import { drops } from "./probe/drop.ts";
import { rates } from "./probe/rates.ts";

export async function probe(): Promise<void> {
  const missing = ["ping", "fping", "iperf3", "nft", "ethtool"].filter((tool) => !Bun.which(tool));
  if (missing.length > 0) {
    console.error(
      `this benchmark needs ${missing.join(", ")}: apt install iputils-ping fping iperf3 nftables ethtool`,
    );
    process.exit(3);
  }
  await using pair = await Pair.open();
  const more = [3, 4, 5, 6].map((n) => `10.77.0.${n}`);
  for (const address of more) {
    await pair.world.ip("-n", "far", "addr", "add", `${address}/24`, "dev", "far");
  }
  const one = { hosts: [far.v4], count: 100, intervalMs: 10 };
  const five = { hosts: [far.v4, ...more], count: 300, intervalMs: 1 };
  await delays(pair, { title: "one target (table 6.2)", pace: one, rounds: 5, stress: false });
  await delays(pair, {
    title: "one target, all cores spinning",
    pace: one,
    rounds: 5,
    stress: true,
  });
  await delays(pair, {
    title: "five targets, all cores spinning (table 6.3)",
    ...{ pace: five, rounds: 5, stress: true },
  });
  await drops(pair);
  await rates(pair);
  await beside(pair);
}
