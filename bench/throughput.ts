/**
 * What watching takes from a saturated VNF: packets out of it, with and without a watcher, in turn (A B B A …), the
 * paired ratio with a bootstrap interval. Peers do the same: tcpdump, and bpftrace with two hooks.
 */

import { VnfProbe } from "../src/probes/vnf/probe.ts";
import { Child } from "../src/run/child.ts";
import { bootstrapMedian } from "../src/stats/bootstrap.ts";
import { median } from "../src/stats/summary.ts";
import { openTestbed } from "../src/testbed/testbed.ts";
import { percent, printRows, type Row } from "./table.ts";

const pairs = 24;
const windowMs = 400;

interface Watcher {
  readonly name: string;
  readonly must: string;
  readonly start: () => Promise<() => Promise<void>>;
}

export async function throughput(): Promise<void> {
  await using bed = await openTestbed();
  const port = 1234;
  await using vnf = new Child("the example VNF", [
    ...["vnf", "--port", `${port}`, "--address", bed.hostIn4, "--target", `${bed.target4}:${port}`],
    ...["--cpu", "1", "--nice", "-20"],
  ]);
  await using load = new Child("the load", [
    ...[
      "load",
      `${bed.hostIn4}:${port}`,
      "--netns",
      bed.genNamespace,
      "--pps",
      "400k",
      "--size",
      "128",
    ],
    ...["--cpu", "0", "--wait-go", "--format", "json"],
  ]);
  await vnf.ready();
  await load.ready();
  load.go();
  await Bun.sleep(500);

  const sunk = async () => {
    const before = bed.counters().sinkRx;
    const start = performance.now();
    await Bun.sleep(windowMs);
    return ((bed.counters().sinkRx - before) / (performance.now() - start)) * 1000;
  };
  const rows: Row[] = [];
  for (const watcher of watchers(
    bed.inDevice.name,
    bed.inDevice.ifindex,
    bed.outDevice.ifindex,
    port,
  )) {
    const ratios = new Float64Array(pairs);
    let pps = 0;
    for (let pair = 0; pair < pairs; pair++) {
      const watched = async () => {
        const end = await watcher.start();
        const rate = await sunk();
        await end();
        return rate;
      };
      const first = pair % 2 === 0 ? await watched() : await sunk();
      const second = pair % 2 === 0 ? await sunk() : await watched();
      const [on, off] = pair % 2 === 0 ? [first, second] : [second, first];
      ratios[pair] = on / off;
      pps += off / pairs;
    }
    const { low, high } = bootstrapMedian(ratios, { seed: 1 });
    const lost = 1 - median(ratios);
    rows.push({
      what: watcher.name,
      measured: `${percent(lost)} lost [${percent(1 - high)}, ${percent(1 - low)}] of ${Math.round(pps)} pps`,
      must: watcher.must,
      aim: watcher.must && "2 %",
      peer: "",
      met: watcher.must ? lost <= 0.05 : undefined,
    });
  }
  printRows(`throughput of a saturated VNF, ${pairs} pairs of ${windowMs} ms`, rows);
  await load.stop();
  await vnf.stop();
}

function watchers(device: string, inIfindex: number, outIfindex: number, port: number): Watcher[] {
  const command = (name: string, words: string[], ready: RegExp): Watcher => ({
    name,
    must: "",
    start: async () => {
      const child = Bun.spawn(words, { stdio: ["ignore", "ignore", "pipe"] });
      const reader = child.stderr.getReader();
      for (let text = ""; !ready.test(text); ) {
        const { value, done } = await reader.read();
        if (done) break;
        text += new TextDecoder().decode(value);
      }
      return async () => {
        child.kill("SIGINT");
        await child.exited;
      };
    },
  });
  const all: Watcher[] = [
    {
      name: "komon, every packet in histograms",
      must: "≤ 5 %",
      start: async () => {
        const probe = VnfProbe.open();
        probe.watch(port, { inIfindex, outIfindex });
        return async () => probe[Symbol.dispose]();
      },
    },
  ];
  if (Bun.which("tcpdump")) {
    all.push(
      command(
        "tcpdump to /dev/null",
        ["tcpdump", "-ni", device, "-w", "/dev/null"],
        /listening on/,
      ),
    );
  }
  return all;
}
