/** How many probes per second one process manages without losing one. */
import { komonCommand } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";
import { addHosts, hostFile } from "./hosts.ts";

interface Ran {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const seconds = 3;
/** Hosts, and probes per second to each. */
const asked = [
  [10_000, 1],
  [100, 100],
  [100, 500],
  [100, 1_000],
  [100, 1_500],
  [100, 2_000],
  [100, 3_000],
  [1, 50_000],
  [1, 200_000],
] as const;

export async function rates(pair: Pair): Promise<void> {
  console.log(`\nprobes per second, ${seconds} s each`);
  console.log(" hosts × rate           sent  received   loss  reached/s  CPU   µs/probe");
  for (const [hosts, each] of asked) {
    await addHosts(pair, hosts);
    console.log(row(`${hosts} × ${each}`, await komon(pair, hosts, each)));
  }
  await addHosts(pair, 100);
  console.log(row("fping, 100", await fping(pair, 0, 10, 300)));
}

function row(name: string, { sent, received, seconds, cpuSeconds }: Ran): string {
  const loss = (((sent - received) / sent) * 100).toFixed(2);
  return (
    name.padStart(14) +
    String(sent).padStart(13) +
    String(received).padStart(10) +
    `${loss} %`.padStart(8) +
    (sent / seconds).toFixed(0).padStart(10) +
    (cpuSeconds / seconds).toFixed(2).padStart(6) +
    ((cpuSeconds / sent) * 1e6).toFixed(2).padStart(10)
  );
}

async function komon(pair: Pair, hosts: number, each: number): Promise<Ran> {
  const words = ["-c", String(each * seconds), "--rate", String(hosts * each), "--flood"];
  const { stdout, cpuSeconds } = await measured(pair, [
    ...[...komonCommand, "probe", "-f", hostFile, ...words, "--format", "json"],
  ]);
  const { sent, received, duration_ns } = JSON.parse(stdout);
  return { sent, received, seconds: duration_ns / 1e9, cpuSeconds };
}

async function fping(pair: Pair, gapMs: number, periodMs: number, count: number): Promise<Ran> {
  const pace = ["-i", String(gapMs), "-p", String(periodMs), "-c", String(count)];
  const start = performance.now();
  const { stderr, cpuSeconds } = await measured(pair, ["fping", "-q", "-f", hostFile, ...pace]);
  const seconds = (performance.now() - start) / 1e3;
  let sent = 0;
  let received = 0;
  for (const [, x, r] of stderr.matchAll(/xmt\/rcv\/%loss = (\d+)\/(\d+)\//g)) {
    sent += Number(x);
    received += Number(r);
  }
  return { sent, received, seconds, cpuSeconds };
}

async function measured(pair: Pair, words: readonly string[]) {
  const child = Bun.spawn(pair.world.command(words), { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  const used = child.resourceUsage();
  return { stdout, stderr, cpuSeconds: Number(used?.cpuTime.total ?? 0) / 1e6 };
}
