/**
 * What probing costs others: iperf3 across the device, both ways, without komon and with it on each rung. komon prints
 * a line per answer, as ping does; `quiet` shows what that costs.
 */
import { komonCommand } from "../../tests/support/komon.ts";
import { far, type Pair } from "../../tests/support/pair.ts";
import { lineOf } from "../../tests/support/world.ts";
import { sorted } from "./numbers.ts";

const rungs = ["none", "tc", "tc, quiet", "xdp-generic", "xdp-native"] as const;
type Rung = (typeof rungs)[number];
const rounds = 5;

export async function beside(pair: Pair): Promise<void> {
  const server = Bun.spawn(pair.world.command(["iperf3", "-s"], "far"), {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, LC_ALL: "C" },
  });
  await pair.run(
    "sh",
    "-c",
    `until ss -Htln 'sport = :5201' | grep -q . || ip netns exec far ss -Htln 'sport = :5201' | grep -q .; do sleep 0.05; done`,
  );
  const found = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < rungs.length; turn++) {
      const rung = rungs[(round + turn) % rungs.length];
      const probing = rung === "none" ? undefined : await probe(pair, rung);
      for (const way of ["out", "in"] as const) {
        const key = `${rung} ${way}`;
        found.set(key, [...(found.get(key) ?? []), await iperf(pair, way)]);
      }
      probing?.kill("SIGINT");
      await probing?.exited;
    }
  }
  server.kill();
  await server.exited;
  const median = (rung: Rung, way: string) =>
    sorted(found.get(`${rung} ${way}`) ?? [])[rounds >> 1];
  console.log(
    "\niperf3 across the veth while komon probes 1,000/s, Gbit/s (share of the rate without)",
  );
  for (const rung of rungs) {
    const cells = (["out", "in"] as const).map((way) => {
      const share = (median(rung, way) / median("none", way)) * 100;
      return `${way} ${median(rung, way).toFixed(1).padStart(5)} (${share.toFixed(0)} %)`;
    });
    console.log(`${rung.padEnd(12)} ${cells.join("   ")}`);
  }
}

async function probe(pair: Pair, rung: Rung) {
  const [hooks, quiet] = rung.split(", ");
  const lines = quiet ? ["-q", "-Q", "1"] : [];
  const words = [...komonCommand, "probe", far.v4, "-l", "-p", "1ms", "--hooks", hooks, ...lines];
  const child = Bun.spawn(pair.world.command(words), { stdio: ["ignore", "pipe", "inherit"] });
  await lineOf(child.stdout, quiet ? /received/ : /icmp_seq=2 /);
  void drain(child.stdout);
  return child;
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

async function iperf(pair: Pair, way: "out" | "in"): Promise<number> {
  const words = ["iperf3", "-c", far.v4, "-t", "2", "-J", ...(way === "in" ? ["-R"] : [])];
  const { stdout } = await pair.world.run(words);
  return JSON.parse(stdout).end.sum_received.bits_per_second / 1e9;
}
