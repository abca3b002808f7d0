/** `komon report` over many rows: a set as large as that of 2019, and one combination with ten million rows. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isLaw } from "../src/model/laws.ts";
import { SpanRecords } from "../src/model/records.ts";
import type { RunParams } from "../src/model/run.ts";
import { type ResultKind, resultKinds } from "../src/results/names.ts";
import { ResultFiles, sampledRows } from "../src/results/writer.ts";
import { Random } from "../src/stats/random.ts";
import { komonCommand } from "../tests/support/komon.ts";
import { printRows, type Row } from "./table.ts";

const like2019: readonly ResultKind[] = ["KERNEL", "VNF", "BUFFER"];

export async function report(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "komon-bench-"));
  try {
    const [old, large] = [join(folder, "old"), join(folder, "large")];
    let rows = 0;
    for (let run = 0; run < 155; run++) rows += write(old, paramsOf(run), like2019);
    const one = { ...paramsOf(0), intervals: 3340, packets: 1000 };
    const more = write(large, one, resultKinds);
    printRows("report", [
      await measure(old, `155 runs, ${rows} rows, HTML`, 15, 1024),
      await measure(large, `one run of ${more} rows with its spans, HTML`, undefined, 2048),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As in 2019: 31 combinations, five repetitions, 1,000 × 10 packets each. */
function paramsOf(run: number): RunParams {
  const [combination, rep] = [Math.floor(run / 5), 1 + (run % 5)];
  const law = combination % 5;
  if (!isLaw(law)) throw new Error(`no law ${law}`);
  const delayNs = 10_000 * (1 + Math.floor(combination / 5));
  const sampling = { intervals: 1000, packets: 10, sleepNs: 100_000_000 };
  return { ...sampling, pps: 1000, sizeBytes: 128, delayNs, law, rep };
}

/** Writes the files of a run as komon does, with invented packets; returns how many rows they have. */
function write(folder: string, params: RunParams, kinds: readonly ResultKind[]): number {
  const { intervals, packets, delayNs, rep } = params;
  const random = new Random(rep);
  const count = intervals * packets;
  const records = new SpanRecords();
  const truthNs = new Float64Array(count);
  for (let packet = 0; packet < count; packet++) {
    truthNs[packet] = Math.round(random.exponential(delayNs));
    const rx = 1_000_000 * (packet + 1);
    const read = rx + 3000 + random.int(2000);
    const send = read + truthNs[packet] + 700 + random.int(100);
    const [interval, index] = [1 + Math.floor(packet / packets), 1 + (packet % packets)];
    records.append(rx - 300, rx, read, send, send + 900, 7, 1, interval, index, packet + 1, 0, 0);
  }
  using files = new ResultFiles(folder, params, kinds);
  const rows = sampledRows(records);
  files.kernel(records, rows);
  files.vnf(records, rows, truthNs);
  files.spans(records, rows, truthNs);
  for (let interval = 1; interval <= intervals; interval++) {
    files.buffer({ interval, bytes: 768, packets: 1, drops: 0 });
  }
  return count * (kinds.length - 1) + intervals;
}

async function measure(
  folder: string,
  what: string,
  mustSeconds: number | undefined,
  mustMib: number,
): Promise<Row> {
  const start = performance.now();
  const command = [...komonCommand, "report", folder, "--format", "html"];
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "ignore"] });
  const output = child.stdout.text();
  const peak = peakMib(child.pid);
  const html = await output;
  if ((await child.exited) !== 0 || !html.endsWith("</html>\n")) throw new Error(`${what} failed`);
  const seconds = (performance.now() - start) / 1000;
  const resident = await peak;
  const time = mustSeconds === undefined ? "" : `${mustSeconds} s, `;
  return {
    what,
    measured: `${seconds.toFixed(1)} s, at most ${resident.toFixed(0)} MiB resident`,
    must: `≤ ${time}${mustMib} MiB`,
    aim: "",
    peer: "",
    met: resident <= mustMib && seconds <= (mustSeconds ?? Number.POSITIVE_INFINITY),
  };
}

/** The most memory that a process had resident, as it says itself until it ends. */
async function peakMib(pid: number): Promise<number> {
  // Not wait4's: its ru_maxrss begins with what the parent has.
  for (let kib = Number.NaN; ; await Bun.sleep(5)) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const found = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    if (found === undefined) return kib / 1024; // it has ended
    kib = Number(found);
  }
}
