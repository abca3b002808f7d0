/**
 * What `komon monitor` takes from a saturated VNF and from the machine, and whether it counts every packet. VNF and generator
 * fill a CPU each; the bench itself runs at nice -20, or its windows would end late. The monitor runs at the priority it is
 * started with, 0, and so does the VNF: above it, the kernel's own threads would starve, without which no program is attached.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Child } from "../src/run/child.ts";
import { bootstrapMedian } from "../src/stats/bootstrap.ts";
import { median } from "../src/stats/summary.ts";
import { openTestbed, type Testbed } from "../src/testbed/testbed.ts";
import { komonCommand } from "../tests/support/komon.ts";
import { ns, percent, printRows, type Row } from "./table.ts";

const port = "1234";
const pairs = 20;
const windowMs = 400;
/** What the generator cannot reach, so that it sends as fast as it can. */
const saturating = "400k";
/** Service times of the VNF, µs; at 0 it does nothing but two system calls. */
const delaysUs = [50, 25, 10, 0];
const countedPackets = 2_000_000;
const warmUpMs = 3000;
const cpuMs = 15_000;

export async function monitor(): Promise<void> {
  setPriority(-20);
  await using bed = await openTestbed();
  const rows: Row[] = [];
  for (const delayUs of delaysUs) {
    await using vnf = await startVnf(bed, delayUs);
    rows.push(await throughput(bed, delayUs));
    console.log(`  ${rows.at(-1)?.what}: ${rows.at(-1)?.measured}`);
    await vnf.stop();
  }
  printRows("throughput of a saturated VNF under komon monitor", rows);
}

/** Whether every packet is counted, and what the process takes. */
export async function counting(): Promise<void> {
  setPriority(-20);
  await using bed = await openTestbed();
  await using vnf = await startVnf(bed, 0);
  const rows = [await agreement(bed)];
  for (const pps of [saturating, "10k", undefined]) rows.push(await share(bed, pps));
  await vnf.stop();
  printRows("komon monitor of a saturated VNF", rows);
}

async function startVnf(bed: Testbed, delayUs: number): Promise<Child> {
  const to = ["--address", bed.hostIn4, "--target", `${bed.target4}:${port}`];
  const how = ["--delay", `${delayUs}us`, "--cpu", "1"];
  const vnf = new Child("the example VNF", ["vnf", "--port", port, ...to, ...how]);
  await vnf.ready();
  return vnf;
}

/** A load from CPU 0 that has begun. */
async function startLoad(bed: Testbed, pps: string, ...words: string[]): Promise<Child> {
  const where = ["load", `${bed.hostIn4}:${port}`, "--netns", bed.genNamespace];
  const how = ["--pps", pps, "--size", "128", "--cpu", "0", "--wait-go", "--format", "json"];
  const load = new Child("the load", [...where, ...how, ...words]);
  await load.ready();
  load.go();
  return load;
}

interface Printed {
  readonly span: string;
  readonly [column: string]: number | string;
}

/** A monitor that watches already. */
async function startMonitor() {
  const words = ["monitor", "--port", port, "--interval", "1s", "--format", "jsonl"];
  const child = Bun.spawn([...komonCommand, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  // The child has this process's priority until it is told otherwise.
  setPriority(child.pid, 0);
  const output = child.stdout.text();
  const talk = child.stderr.getReader();
  for (let text = ""; !text.includes("watching"); ) {
    const { value, done } = await talk.read();
    if (done) throw new Error(`the monitor ended: ${text}`);
    text += new TextDecoder().decode(value);
  }
  return {
    pid: child.pid,
    /** All of its rows. */
    async stop(): Promise<Printed[]> {
      child.kill("SIGINT");
      await child.exited;
      const lines = (await output).trimEnd().split("\n");
      return lines.map((line) => JSON.parse(line) as Printed);
    },
  };
}

/** Packets out of the VNF, with and without a monitor, in turn (A B B A …). */
async function throughput(bed: Testbed, delayUs: number): Promise<Row> {
  const load = await startLoad(bed, delayUs === 0 ? saturating : `${1500 / delayUs}k`);
  await Bun.sleep(500);
  const sunk = async () => {
    const before = bed.counters().sinkRx;
    const start = performance.now();
    await Bun.sleep(windowMs);
    return ((bed.counters().sinkRx - before) / (performance.now() - start)) * 1000;
  };
  const watched = async () => {
    const watching = await startMonitor();
    await Bun.sleep(200); // what it does once, when it begins, is not what it costs
    const rate = await sunk();
    await watching.stop();
    return rate;
  };
  const ratios = new Float64Array(pairs);
  const rates: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const [first, second] = pair % 2 === 0 ? [watched, sunk] : [sunk, watched];
    const [one, other] = [await first(), await second()];
    const [on, off] = pair % 2 === 0 ? [one, other] : [other, one];
    ratios[pair] = on / off;
    rates.push(off);
  }
  await load.stop();
  const { low, high } = bootstrapMedian(ratios, { seed: 1 });
  const lost = 1 - median(ratios);
  const pps = median(rates);
  const addedNs = 1e9 / (pps * (1 - lost)) - 1e9 / pps;
  return {
    what: `throughput lost, VNF of ${delayUs} µs, ${pairs} pairs of ${windowMs} ms`,
    measured: `${percent(lost)} [${percent(1 - high)}, ${percent(1 - low)}] of ${Math.round(pps)} pps: ${ns(addedNs)} a packet`,
    must: "≤ 3 %",
    aim: "2 %",
    peer: "",
    met: lost <= 0.03,
  };
}

/** Counters of generator, monitor and sink over a known number of packets at saturation. */
async function agreement(bed: Testbed): Promise<Row> {
  const watching = await startMonitor();
  const before = bed.counters();
  const load = await startLoad(bed, saturating, "--count", String(countedPackets));
  await load.exited;
  await settled(bed);
  const after = bed.counters();
  const rows = await watching.stop();
  const sum = (span: string, column: string) =>
    rows.filter((row) => row.span === span).reduce((all, row) => all + Number(row[column]), 0);
  const [generated, sunk] = [after.genTx - before.genTx, after.sinkRx - before.sinkRx];
  const [seen, matched] = [sum("service", "seen"), sum("service", "matched")];
  const stack = sum("service", "expired_stack");
  const spans = new Set(rows.map(({ span }) => span));
  const missing = [...spans].map((span) => sunk - sum(span, "packets"));
  const agree =
    generated === seen &&
    matched === sunk &&
    seen === matched + stack &&
    missing.every((packets) => packets === 0);
  return {
    what: `${countedPackets} packets: generator = monitor, monitor = sink`,
    measured:
      `${generated} = ${seen}, ${matched} = ${sunk}; ${stack} dropped at the full socket; ` +
      `missing from the ${spans.size} histograms: ${missing.join(", ")}`,
    must: "0 missing",
    aim: "0",
    peer: "",
    met: agree,
  };
}

/** Waits until the VNF has sent what waited in its socket. */
async function settled(bed: Testbed): Promise<void> {
  for (let last = -1; bed.counters().sinkRx !== last; ) {
    last = bed.counters().sinkRx;
    await Bun.sleep(500);
  }
}

/** The monitor's own CPU time, of all its threads, at this load. */
async function share(bed: Testbed, pps: string | undefined): Promise<Row> {
  const load = pps === undefined ? undefined : await startLoad(bed, pps);
  const watching = await startMonitor();
  await Bun.sleep(warmUpMs);
  const [beforeNs, start, first] = [cpuNs(watching.pid), performance.now(), bed.counters().sinkRx];
  await Bun.sleep(cpuMs);
  const passedMs = performance.now() - start;
  const used = (cpuNs(watching.pid) - beforeNs) / (passedMs * 1e6);
  const sunk = ((bed.counters().sinkRx - first) / passedMs) * 1000;
  await watching.stop();
  await load?.stop();
  return {
    what: `CPU of the process, 1 s interval, ${Math.round(sunk)} pps out of the VNF`,
    measured: `${percent(used)} of one core`,
    must: "≤ 1 %",
    aim: "",
    peer: "",
    met: used <= 0.01,
  };
}

/** CPU time of all threads of a process. */
function cpuNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((all, tid) => {
    return all + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[0]);
  }, 0);
}
