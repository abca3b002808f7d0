/** From the start of the process to the first result on traffic that flows already, beside bpftrace. */
import { median } from "../src/stats/summary.ts";
import { komonCommand } from "../tests/support/komon.ts";
import { World } from "./komon.ts";
import { printRows } from "./table.ts";

const rounds = 20;

export async function start(): Promise<void> {
  await using world = await World.open();
  const vnf = world.spawn("vnf", "--port", "1234");
  await vnf.stdout.getReader().read();
  const load = world.spawn("load", "127.0.0.1:1234", "--pps", "2000");
  const peer = Bun.which("bpftrace");
  const ours: number[] = [];
  const theirs: number[] = [];
  const words = [
    "monitor",
    "--port",
    "1234",
    "--interval",
    "10ms",
    "--count",
    "1",
    "--format",
    "jsonl",
  ];
  const script =
    "tracepoint:net:net_dev_queue { @n = count(); } interval:ms:10 { print(@n); exit(); }";
  const tracefs = "mount -t tracefs none /sys/kernel/tracing 2>/dev/null; exec";
  for (let round = 0; round < rounds; round++) {
    ours.push(await firstOutput(world.command([...komonCommand, ...words])));
    const theirWords = ["sh", "-c", `${tracefs} ${peer} -e '${script}'`];
    if (peer)
      theirs.push(await firstOutput(world.command(theirWords), /@n/).catch(() => Number.NaN));
  }
  load.kill("SIGINT");
  vnf.kill("SIGINT");
  await Promise.all([load.exited, vnf.exited]);
  const middle = median(ours);
  printRows(`start to first sample, ${rounds} starts in turn`, [
    {
      what: "komon monitor, first line of a 10 ms interval",
      measured: `${middle.toFixed(0)} ms`,
      must: "≤ 250 ms",
      aim: "100 ms",
      peer: theirs.some(Number.isFinite)
        ? `bpftrace, one tracepoint: ${median(theirs.filter(Number.isFinite)).toFixed(0)} ms`
        : "",
      met: middle <= 250,
    },
  ]);
}

/** ms until the command has printed something that matches. */
async function firstOutput(command: readonly string[], wanted = /./): Promise<number> {
  const begin = performance.now();
  const child = Bun.spawn([...command], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  for await (const bytes of child.stdout) {
    text += new TextDecoder().decode(bytes);
    if (wanted.test(text)) break;
  }
  const passed = performance.now() - begin;
  child.kill("SIGINT");
  await child.exited;
  if (!wanted.test(text)) throw new Error(`${command.join(" ")} printed nothing like ${wanted}`);
  return passed;
}
