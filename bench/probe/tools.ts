/** The three tools on the same hosts at the same pace: what each reports per echo, in ns, NaN = no answer. */
import { komonCommand } from "../../tests/support/komon.ts";
import type { Pair } from "../../tests/support/pair.ts";

export const toolNames = ["komon", "ping", "fping"] as const;
export type Tool = (typeof toolNames)[number];

/** By host, then by echo. */
export type Reported = ReadonlyMap<string, readonly number[]>;

export interface Pace {
  readonly hosts: readonly string[];
  readonly count: number;
  readonly intervalMs: number;
}

export async function runTool(tool: Tool, pair: Pair, pace: Pace): Promise<Reported> {
  if (tool === "komon") return everyTime(await say(pair, komon(pace)), "stdout");
  if (tool === "fping") return everyTime(await say(pair, fping(pace)), "stderr");
  // ping knows one host: one process each, at once
  const said = await Promise.all(pace.hosts.map((host) => say(pair, ping(host, pace))));
  return new Map(pace.hosts.map((host, at) => [host, pingTimes(said[at].stdout, pace.count)]));
}

function say(pair: Pair, words: readonly string[]) {
  return pair.world.run(words);
}

function komon({ hosts, count, intervalMs }: Pace): string[] {
  const times = ["-C", String(count), "-q", "-p", `${intervalMs}ms`];
  return [...komonCommand, "probe", "--icmp", ...hosts, ...times];
}

function fping({ hosts, count, intervalMs }: Pace): string[] {
  const gap = Math.max(0, Math.floor(intervalMs / hosts.length));
  return [
    "fping",
    "-C",
    String(count),
    "-q",
    "-p",
    String(intervalMs),
    "-i",
    String(gap),
    ...hosts,
  ];
}

function ping(host: string, { count, intervalMs }: Pace): string[] {
  return ["ping", "-c", String(count), "-i", String(intervalMs / 1000), "-w", "60", host];
}

/** `10.0.0.2 : 0.012 - 0.034`, in ms. */
function everyTime(said: { stdout: string; stderr: string }, where: "stdout" | "stderr"): Reported {
  const found = new Map<string, number[]>();
  for (const line of said[where].split("\n")) {
    const match = /^(\S+)\s+: ((?:[\d.]+|-)(?: (?:[\d.]+|-))*)$/.exec(line.trim());
    if (match)
      found.set(
        match[1],
        match[2].split(" ").map((one) => Number.parseFloat(one) * 1e6),
      );
  }
  if (found.size === 0) throw new Error(`no times in ${said.stdout}${said.stderr}`);
  return found;
}

function pingTimes(stdout: string, count: number): number[] {
  const times = new Array<number>(count).fill(Number.NaN);
  for (const [, seq, ms] of stdout.matchAll(/icmp_seq=(\d+) .*time=([\d.]+) ms/g)) {
    times[Number(seq) - 1] = Number(ms) * 1e6;
  }
  return times;
}
