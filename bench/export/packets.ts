/** What the TCP traces add to a packet: a request and its answer over loopback, with the probe and without. */
import { RunStatistics } from "../../src/kernel/info.ts";
import { monotonicNs } from "../../src/kernel/libc.ts";
import { pinThread } from "../../src/kernel/process.ts";
import type { TcpProbeOptions } from "../../src/probes/tcp/options.ts";
import { TcpProbe } from "../../src/probes/tcp/probe.ts";
import { TcpListener, type TcpSocket } from "../../tests/support/tcp.ts";
import { medianInterval } from "./paired.ts";

const pairs = 24;
const exchanges = 3000;
/** Each carries a payload and an acknowledgement. */
const packetsPerExchange = 2;

/** Twins in turn (off, on, on, off); the added time a packet, with the interval of the median. */
export function packets(): void {
  pinThread(0);
  const kinds: [string, TcpProbeOptions][] = [
    ["tcprtt", { rtt: true, returns: false, events: [], groupBy: "subnet" }],
    ["tcpconnlat", { events: ["connected", "failed"] }],
    ["tcplife", { rtt: true, events: ["closed"] }],
    ["all three", { rtt: true, groupBy: "subnet" }],
  ];
  for (const [name, options] of kinds) {
    const added: number[] = [];
    let without = 0;
    for (let pair = 0; pair < pairs; pair++) {
      const order = pair % 2 === 0 ? [undefined, options] : [options, undefined];
      const times = order.map((one) => timeOf(one));
      const [off, on] = pair % 2 === 0 ? times : times.reverse();
      added.push(on - off);
      without += off / pairs;
    }
    const { median, low, high } = medianInterval(added);
    console.log(
      `${name}: ${median.toFixed(0)} ns a packet (${low.toFixed(0)} … ${high.toFixed(0)}), of ${without.toFixed(0)}`,
    );
  }
  inside();
}

/** ns per packet. */
function timeOf(options: TcpProbeOptions | undefined): number {
  using _probe = options && TcpProbe.open(options);
  using listener = new TcpListener();
  const { client, server } = listener.pair();
  exchange(client, server, 300);
  const begin = monotonicNs();
  exchange(client, server, exchanges);
  const took = monotonicNs() - begin;
  client[Symbol.dispose]();
  server[Symbol.dispose]();
  return took / (exchanges * packetsPerExchange);
}

function exchange(client: TcpSocket, server: TcpSocket, times: number): void {
  for (let i = 0; i < times; i++) {
    client.send(64);
    server.receive(64);
    server.send(64);
    client.receive(64);
  }
}

/** The kernel's own count of the time in the programs; its clock reads are in it, some 50 ns a run. */
function inside(): void {
  using probe = TcpProbe.open({ rtt: true, groupBy: "subnet" });
  using listener = new TcpListener();
  const { client, server } = listener.pair();
  exchange(client, server, 300);
  const before = probe.programs();
  {
    using _statistics = new RunStatistics();
    exchange(client, server, exchanges);
  }
  for (const [name, info] of probe.programs()) {
    const runs = info.runs - (before.get(name)?.runs ?? 0);
    const ns = info.runTimeNs - (before.get(name)?.runTimeNs ?? 0);
    if (runs > 0) console.log(`  ${name}: ${runs} runs, ${(ns / runs).toFixed(0)} ns each`);
  }
  client[Symbol.dispose]();
  server[Symbol.dispose]();
}
