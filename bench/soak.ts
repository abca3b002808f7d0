/**
 * A day of `komon monitor` in three minutes: as many looks as 24 hours have at one a second, two milliseconds between
 * them, at a VNF that works. What a look leaves behind, memory or descriptors, would show.
 */
import { readdirSync } from "node:fs";
import { watch } from "../src/monitor/loop.ts";
import { openSources } from "../src/monitor/open.ts";
import { columns, rowsOf, schema } from "../src/monitor/rows.ts";
import { select } from "../src/monitor/select.ts";
import { Child } from "../src/run/child.ts";
import { jsonLine } from "../src/sinks/jsonl.ts";
import { openTestbed } from "../src/testbed/testbed.ts";
import { printRows } from "./table.ts";

const port = 1234;
const looks = 24 * 3600;
const warmUpLooks = 5000;
/** Time enough for a look, and for the timer before it. */
const lookNs = 2e6;
const mib = 2 ** 20;
/** Nothing but the port is asked for. */
const everything = {
  ...{ pid: undefined, cgroup: undefined, container: undefined, netns: undefined },
  ...{ inInterface: undefined, outInterface: undefined },
};

export async function soak(): Promise<void> {
  await using bed = await openTestbed();
  const to = ["--address", bed.hostIn4, "--target", `${bed.target4}:${port}`];
  await using vnf = new Child("the example VNF", ["vnf", "--port", `${port}`, ...to]);
  await vnf.ready();
  const where = ["load", `${bed.hostIn4}:${port}`, "--netns", bed.genNamespace];
  await using load = new Child("the load", [...where, "--pps", "1k", "--wait-go"]);
  await load.ready();
  load.go();
  using opened = openSources(select({ ...everything, ports: [port] }), "auto", {
    span: "sojourn",
    ns: 1e6,
  });
  let [told, bytes, packets] = [0, 0, 0];
  /** Least resident memory and number of descriptors, of each tenth of the looks. */
  const least = new Array<number>(10).fill(Number.POSITIVE_INFINITY);
  const descriptors: number[] = [];
  const began = performance.now();
  const ended = await watch(opened.sources, {
    ...{ intervalNs: lookNs, durationNs: undefined, count: warmUpLooks + looks, objectives: [] },
    stop: new AbortController().signal,
    detach: () => opened.detach(),
    tell: (all) => {
      for (const row of all.flatMap(rowsOf)) bytes += jsonLine({ schema, columns }, row).length;
      packets += all[0].interval.account.seen;
      const tenth = Math.floor((10 * (told++ - warmUpLooks)) / looks);
      if (tenth < 0 || told % 100 !== 0) return;
      least[tenth] = Math.min(least[tenth], process.memoryUsage.rss());
      descriptors.push(readdirSync("/proc/self/fd").length);
    },
  });
  const seconds = (performance.now() - began) / 1000;
  const [whole] = ended.whole;
  const sizes = least.map((size) => (size / mib).toFixed(0)).join(", ");
  printRows(
    `monitor for a day: ${looks} looks in ${seconds.toFixed(0)} s, ${bytes} bytes of JSON lines`,
    [
      {
        what: "resident memory, least of each tenth, MiB",
        measured: sizes,
        must: "does not grow",
        aim: "",
        peer: "",
        met: Math.min(...least.slice(-3)) <= Math.min(...least.slice(0, 3)) + 4 * mib,
      },
      {
        what: "open descriptors",
        measured: `${descriptors[0]} to ${descriptors.at(-1)}, at most ${Math.max(...descriptors)}`,
        must: "does not grow",
        aim: "",
        peer: "",
        met: Math.max(...descriptors) === descriptors[0],
      },
      {
        what: "packets: sum of all intervals = the whole",
        measured: `${packets} = ${whole.interval.account.seen}`,
        must: "equal",
        aim: "",
        peer: "",
        met: packets === whole.interval.account.seen,
      },
    ],
  );
  await load.stop();
  await vnf.stop();
}
