/**
 * komon probe against ping and fping, between two namespaces: the thesis's tables 6.2 and 6.3 with the device's own
 * stamps as the truth; what a probe costs; what match, stamp and drop cost; how many probes a process manages; what
 * others notice. `PROBE_SECTIONS=delay,cost` runs some of it.
 */
import { Pair } from "../tests/support/pair.ts";
import { beside } from "./probe/beside.ts";
import { cost } from "./probe/cost.ts";
import { allDelays } from "./probe/delay.ts";
import { drops } from "./probe/drop.ts";
import { foreign } from "./probe/foreign.ts";
import { rates } from "./probe/rates.ts";

const sections = { delay: allDelays, cost, drop: drops, foreign, rates, beside } as const;

export async function probe(): Promise<void> {
  const missing = ["ping", "fping", "iperf3", "nft", "ethtool"].filter((tool) => !Bun.which(tool));
  if (missing.length > 0) {
    console.error(
      `this benchmark needs ${missing.join(", ")}: apt install iputils-ping fping iperf3 nftables ethtool`,
    );
    process.exit(3);
  }
  const wanted = process.env.PROBE_SECTIONS?.split(",");
  await using pair = await Pair.open();
  for (const [name, run] of Object.entries(sections)) {
    if (!wanted || wanted.includes(name)) await run(pair);
  }
}
