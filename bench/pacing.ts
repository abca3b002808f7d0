/** How well the load keeps its rate, beside trafgen and iperf3 where they are installed. */
import { World } from "./komon.ts";
import { printRows, type Row } from "./table.ts";

const rates = [1000, 10_000, 50_000, 100_000];

export async function pacing(): Promise<void> {
  await using world = await World.open();
  const sink = world.spawn("vnf", "--port", "4000", "--drop", "1");
  await sink.stdout.getReader().read();
  const rows: Row[] = [];
  for (const pps of rates) {
    const report = await world.komonJson<{
      sent_pps: number;
      pacing: { rate_error_percent: number; late_p50_ns: number; late_p99_ns: number };
    }>("load", "127.0.0.1:4000", "--pps", `${pps}`, "--duration", "3s", "--cpu", "0");
    const { rate_error_percent: error, late_p50_ns, late_p99_ns } = report.pacing;
    rows.push({
      what: `mean rate at ${pps} pps`,
      measured: `${error.toFixed(3)} % off; late p50 ${late_p50_ns} ns, p99 ${Math.round(late_p99_ns / 1000)} µs`,
      must: "0.5 %",
      aim: "0.1 %",
      peer: await iperf(world, pps),
      met: Math.abs(error) <= 0.5,
    });
  }
  sink.kill("SIGINT");
  await sink.exited;
  printRows("load generator, 128 bytes, 3 s each", rows);
}

async function iperf(world: World, pps: number): Promise<string> {
  if (!Bun.which("iperf3")) return "";
  const server = Bun.spawn(world.command(["iperf3", "-s", "-1", "-p", "4001", "--forceflush"]), {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await server.stdout.getReader().read();
  const words = [
    "iperf3",
    "-c",
    "127.0.0.1",
    "-p",
    "4001",
    "-u",
    "-l",
    "128",
    "-b",
    `${pps * 128 * 8}`,
    "-t",
    "3",
    "-J",
  ];
  const { stdout, code } = await world.run(words);
  await server.exited;
  if (code !== 0) return "iperf3 failed";
  const sum = JSON.parse(stdout).end.sum as { packets: number; seconds: number };
  return `iperf3 ${(((sum.packets / sum.seconds - pps) / pps) * 100).toFixed(3)} %`;
}
