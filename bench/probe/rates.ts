/** How many probes per second one process manages without losing one, and what a probe costs. */
import { readFileSync } from "node:fs";
import { komonCommand } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";
import { sorted } from "./numbers.ts";

interface Ran {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const hosts = Array.from({ length: 100 }, (_, n) => `10.77.1.${n + 1}`);
const rounds = 3;

export async function rates(pair: Pair): Promise<void> {
  const batch = hosts.map((address) => `addr add ${address}/32 dev far`).join("\n");
  await pair.run("sh", "-c", `printf '%s\n' '${batch}' | ip -n far -batch -`);
  await pair.world.ip("route", "add", "10.77.1.0/24", "via", "10.77.0.2");
  pair.world.write("/tmp/hosts", `${hosts.join("\n")}\n`);
  console.log("\nprobes per second, 100 hosts, 3 s each");
  console.log("asked       sent  received   loss  reached/s  CPU   µs/probe");
  for (const rate of [10_000, 50_000, 100_000, 150_000, 200_000, 300_000]) {
    const ran = await komon(pair, rate, 3, ["--flood"]);
    console.log(row(`${rate / 1000}k`, ran));
  }
  console.log(row("fping", await fping(pair, 0, 10, 300)));

  console.log("\nCPU at 1,000 probes/s, 100 hosts, of a run's second ten seconds, interleaved");
  const cost = { komon: [] as number[], fping: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const pace = ["-p", "100", "-f", "/tmp/hosts", "-c", "300", "-q"];
    cost.komon.push(await steady(pair, [...komonCommand, "probe", ...pace]));
    cost.fping.push(await steady(pair, ["fping", "-i", "1", ...pace]));
  }
  const median = (of: number[]) => sorted(of)[rounds >> 1];
  for (const [tool, of] of Object.entries(cost)) {
    console.log(`${tool.padEnd(6)} ${median(of).toFixed(1)} µs of CPU per probe`);
  }
  console.log(`komon / fping = ${(median(cost.komon) / median(cost.fping)).toFixed(2)}`);
}

function row(name: string, { sent, received, seconds, cpuSeconds }: Ran): string {
  const loss = (((sent - received) / sent) * 100).toFixed(2);
  return (
    name.padEnd(6) +
    String(sent).padStart(10) +
    String(received).padStart(10) +
    `${loss} %`.padStart(8) +
    (sent / seconds).toFixed(0).padStart(10) +
    (cpuSeconds / seconds).toFixed(2).padStart(6) +
    ((cpuSeconds / sent) * 1e6).toFixed(2).padStart(10)
  );
}

async function komon(
  pair: Pair,
  rate: number,
  seconds: number,
  more: readonly string[],
): Promise<Ran> {
  const count = Math.round((rate * seconds) / hosts.length);
  const words = ["-f", "/tmp/hosts", "-c", String(count), "--rate", String(rate)];
  const { stdout, cpuSeconds } = await measured(pair, [
    ...komonCommand,
    "probe",
    ...words,
    ...["--format", "json", ...more],
  ]);
  const { sent, received, duration_ns } = JSON.parse(stdout);
  return { sent, received, seconds: duration_ns / 1e9, cpuSeconds };
}

async function fping(pair: Pair, gapMs: number, periodMs: number, count: number): Promise<Ran> {
  const pace = ["-i", String(gapMs), "-p", String(periodMs), "-c", String(count)];
  const start = performance.now();
  const { stderr, cpuSeconds } = await measured(pair, ["fping", "-q", "-f", "/tmp/hosts", ...pace]);
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

/** µs of CPU per probe between the tenth and the twentieth second: start and compilation are over. */
async function steady(pair: Pair, words: readonly string[]): Promise<number> {
  const child = Bun.spawn(pair.world.command(words), { stdio: ["ignore", "ignore", "ignore"] });
  await Bun.sleep(10_000);
  const before = cpuSeconds(child.pid);
  await Bun.sleep(10_000);
  const used = cpuSeconds(child.pid) - before;
  child.kill("SIGINT");
  await child.exited;
  return (used / 10_000) * 1e6;
}

/** nsenter becomes the command it starts, so the child is the tool. All its threads, to 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
