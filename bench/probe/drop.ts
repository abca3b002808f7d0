/** What match, stamp and drop cost: a flood of answers against the barest drop, and against nftables. */
import { run } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";
import { lineOf } from "../../tests/support/world.ts";
import { sorted } from "./numbers.ts";

const frames = 1_000_000;
const rounds = 7;
const ways = ["bare XDP_DROP", "komon", "nftables"] as const;
type Way = (typeof ways)[number];

export async function drops(pair: Pair): Promise<void> {
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const way = ways[(round + turn) % ways.length];
      rates.get(way)?.push(await (way === "nftables" ? withNft(pair) : withXdp(pair, way)));
    }
  }
  const median = (way: Way) => sorted(rates.get(way) ?? [])[rounds >> 1];
  console.log(`\nmatch, stamp and drop at native XDP of a veth: ${rounds} × ${frames} answers`);
  for (const way of ways) {
    const share = ((median(way) / median("bare XDP_DROP")) * 100).toFixed(0);
    console.log(
      `${way.padEnd(14)} ${(median(way) / 1e6).toFixed(2)} Mpps  ${share.padStart(4)} % of the bare drop`,
    );
  }
  console.log(`komon / nftables = ${(median("komon") / median("nftables")).toFixed(2)}`);
}

async function flood(pair: Pair): Promise<number> {
  const words = [process.execPath, "bench/probe/flooder.ts", String(pair.farIndex), String(frames)];
  const { stdout, stderr } = await run(pair.world.command(words, "far"));
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as { pps: number }).pps;
}

async function withXdp(pair: Pair, way: Way): Promise<number> {
  const kind = way === "komon" ? "komon" : "bare";
  const victim = Bun.spawn(pair.world.command([process.execPath, "bench/probe/victim.ts", kind]), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await lineOf(victim.stdout, /ready/);
  const rate = await flood(pair);
  victim.stdin.end();
  await victim.exited;
  return rate;
}

async function withNft(pair: Pair): Promise<number> {
  const rules =
    "table ip bench { chain in { type filter hook prerouting priority raw; icmp type echo-reply drop; } }";
  await pair.run("ethtool", "-K", "near", "gro", "on"); // else a veth takes no frames without XDP
  await pair.run("sh", "-c", `echo '${rules}' | nft -f -`);
  const rate = await flood(pair);
  await pair.run("nft", "delete", "table", "ip", "bench");
  await pair.run("ethtool", "-K", "near", "gro", "off");
  return rate;
}
