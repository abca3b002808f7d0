/**
 * What match, stamp and drop cost: a flood of answers against the barest drop, against one that only reads the clock, one
 * that looks for the cookie, reads the clock and writes the stamp to its slot, which is the least that will do, and against nftables.
 */
import type { Pair } from "../../tests/support/pair.ts";
import { flood, Victim } from "./flood.ts";
import { sorted } from "./numbers.ts";
import type { Flood } from "./victimAnswer.ts";

const frames = 1_000_000;
const rounds = 21;
/** nftables where it is quickest, and where it drops before connections are tracked. */
const chains = {
  "nftables, ingress": ["netdev", "ingress device near priority 0"],
  "nftables, raw": ["ip", "prerouting priority raw"],
} as const;
/** Who takes what at native XDP. */
const atXdp = {
  "bare XDP_DROP": ["bare"],
  "with the clock": ["clock"],
  "the least": ["least"],
  "the least, first": ["least", "first"],
  "komon, xdp-native": ["xdp-native"],
  "komon, first answers": ["xdp-native", "first"],
} as const;
const ways = [
  ...(Object.keys(atXdp) as (keyof typeof atXdp)[]),
  "komon, tc",
  ...(Object.keys(chains) as (keyof typeof chains)[]),
] as const;
type Way = (typeof ways)[number];

/** Answers that found no room in the log, and all that komon took. */
const noted = { lost: 0, all: 0 };

export async function drops(pair: Pair): Promise<void> {
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const way = ways[(round + turn) % ways.length];
      rates.get(way)?.push(await rateOf(pair, way));
    }
  }
  const median = (values: readonly number[]) => sorted(values)[rounds >> 1];
  const of = (way: Way) => rates.get(way) ?? [];
  console.log(`\nmatch, stamp and drop at a veth: ${rounds} × ${frames} answers, medians`);
  for (const way of ways) {
    const share = median(of(way).map((rate, at) => rate / of("bare XDP_DROP")[at])) * 100;
    const times = median(of("komon, xdp-native").map((rate, at) => rate / of(way)[at]));
    console.log(
      `${way.padEnd(20)} ${(median(of(way)) / 1e6).toFixed(2)} Mpps  ${share.toFixed(0).padStart(4)} % of the bare drop; ` +
        `komon, xdp-native ${times.toFixed(2)} times as fast`,
    );
  }
  const { lost, all } = noted;
  console.log(`of komon's answers ${((lost / all) * 100).toFixed(1)} % found no room in the log`);
}

function isAtXdp(way: Way): way is keyof typeof atXdp {
  return way in atXdp;
}

async function rateOf(pair: Pair, way: Way): Promise<number> {
  if (isAtXdp(way)) {
    const [what, whose] = atXdp[way];
    return withVictim(pair, what, whose);
  }
  // Without XDP a veth takes such frames only with GRO on
  await pair.run("ethtool", "-K", "near", "gro", "on");
  const rate = await (way === "komon, tc" ? withVictim(pair, "tc") : withNft(pair, way));
  await pair.run("ethtool", "-K", "near", "gro", "off");
  return rate;
}

async function withVictim(pair: Pair, what: string, whose: Flood = "ours"): Promise<number> {
  const victim = await Victim.start(pair, what, whose);
  const rate = await flood(pair, frames, whose);
  const { matched = 0, copies = 0, lostRecords = 0 } = await victim.end();
  noted.all += matched + copies;
  noted.lost += lostRecords;
  return rate;
}

async function withNft(pair: Pair, way: keyof typeof chains): Promise<number> {
  const [family, hook] = chains[way];
  const rule = "ip protocol icmp icmp type echo-reply drop";
  const rules = `table ${family} bench { chain in { type filter hook ${hook}; ${rule}; }; }`;
  const said = await pair.run("sh", "-c", `echo '${rules}' | nft -f -`);
  if (said.code !== 0) throw new Error(said.stderr);
  const rate = await flood(pair, frames, "ours");
  await pair.run("nft", "delete", "table", family, "bench");
  return rate;
}
