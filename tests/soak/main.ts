#!/usr/bin/env bun
/**
 * Everything that runs for long, together, at a VNF that gets more than it can do: monitor, probe and export.
 *   bun tests/soak/main.ts --minutes 20
 * At the end all accounts have to be the same to the packet, and no process may have grown. Needs root and dist/komon.
 */
import { parseArgs } from "node:util";
import { Exporting } from "../support/exporter.ts";
import { komonCommand } from "../support/komon.ts";
import { startMonitor } from "../support/monitor.ts";
import { lineOf, World } from "../support/world.ts";
import { type Accounts, complaints } from "./accounts.ts";
import { growthOf, Memory } from "./memory.ts";

/** Not one that anybody else may use: the exporter looks at all namespaces. */
const port = 47_471;
/** A VNF of 50 µs does 20,000 packets a second at the most. */
const [delay, pps] = ["50us", "40k"];

interface Bed {
  readonly gen_namespace: string;
  readonly in_device: { readonly name: string };
  readonly out_device: { readonly name: string };
  readonly ipv4: { readonly gen: string; readonly host_in: string; readonly target: string };
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "20" } } });
const seconds = Number(values.minutes) * 60;

await using world = await World.open();
const bed = await world.komonJson<Bed>("testbed", "up");
const { gen, host_in: hostIn, target } = bed.ipv4;
const vnf = world.spawn(
  ...["vnf", "--port", `${port}`, "--address", hostIn, "--target", `${target}:${port}`],
  ...["--delay", delay],
);
await lineOf(vnf.stdout, /ready/);
await using exporting = await Exporting.spawn([...komonCommand, "export"], ["--vnf", `${port}`]);
await using monitor = await startMonitor(
  world,
  ...["--port", `${port}`, "--interface", bed.in_device.name, "--interval", "1s"],
);
const probing = world.spawn(..."probe -l -p 10ms --format json".split(" "), gen);
const probed = new Response(probing.stdout).text();
const load = world.spawn(
  ...["load", `${hostIn}:${port}`, "--netns", bed.gen_namespace],
  ...["--pps", pps, "--duration", `${seconds}s`, "--format", "json"],
);
const loaded = new Response(load.stdout).text();

const memory = new Memory({
  monitor: monitor.pid,
  export: exporting.pid,
  probe: probing.pid,
});
const begin = performance.now();
while (load.exitCode === null) {
  await Promise.race([load.exited, Bun.sleep(1000)]);
  memory.look((performance.now() - begin) / 1000);
  await scrape();
  if (!process.stderr.isTTY) continue;
  process.stderr.write(`\r${Math.round((performance.now() - begin) / 1000)} of ${seconds} s `);
}
while ((await scrape()).get("in_flight") !== 0) await Bun.sleep(100);

probing.kill("SIGINT");
const echoes = JSON.parse(await probed);
const accounts: Accounts = {
  load: JSON.parse(await loaded),
  probed: echoes,
  exported: Object.fromEntries(await scrape()),
  devices: (await world.komonJson<{ rows: Accounts["devices"][] }>("testbed", "status")).rows[0],
  dropped: {
    generator: await droppedBy("-n", bed.gen_namespace, "gen"),
    host: await droppedBy(bed.out_device.name),
    sockets: await socketDrops(),
  },
  monitored: await monitor.stop(),
};
vnf.kill("SIGINT");
await vnf.exited;
await exporting.stop();
await world.komon("testbed", "down");

const growth = growthOf(memory.looks);
const wrong = [...complaints(accounts), ...growth.flatMap(({ wrong }) => wrong ?? [])];
console.log(
  JSON.stringify(
    {
      minutes: Number(values.minutes),
      sent: accounts.load.sent,
      sent_pps: accounts.load.sent_pps,
      exported: accounts.exported,
      devices: accounts.devices,
      dropped: accounts.dropped,
      probe: accounts.probed.hosts,
      memory: growth,
      wrong,
    },
    null,
    2,
  ),
);
process.exit(wrong.length > 0 ? 1 : 0);

/** Frames that the cable's other end could not take in: the kernel's backlog was full. */
async function droppedBy(...words: string[]): Promise<number> {
  const [device] = words.slice(-1);
  const text = await world.ip(...words.slice(0, -1), "-s", "-j", "link", "show", device);
  return JSON.parse(text)[0].stats64.tx.dropped;
}

async function socketDrops(): Promise<number> {
  const [names, values] = (await world.run(["grep", "^Udp:", "/proc/self/net/snmp"])).stdout
    .split("\n")
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("RcvbufErrors")]);
}

/** The exporter's account of the VNF's packets. */
async function scrape(): Promise<Map<string, number>> {
  const page = await exporting.page();
  const account = new Map<string, number>();
  for (const [, outcome, value] of page.matchAll(
    /^komon_vnf_packets_total\{.*outcome="(\w+)".*\} (\d+)$/gm,
  )) {
    account.set(outcome, Number(value));
  }
  const inFlight = /^komon_vnf_packets_in_flight\{.*\} (\d+)$/m.exec(page);
  return account.set("in_flight", Number(inFlight?.[1]));
}
