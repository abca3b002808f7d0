/**
 * Records to user space: a program writes them as fast as it is told, komon's own reader takes them. The rate rises
 * until one is lost; then the highest rate without loss is kept up for a while.
 */
import { readFileSync } from "node:fs";
import object from "../dist/bpf/x86/records.bpf.o" with { type: "file" };
import { readU64 } from "../src/kernel/counter.ts";
import { BpfObject } from "../src/kernel/object.ts";
import { RingBuffer } from "../src/kernel/ringbuf.ts";
import { SpanRecords } from "../src/model/records.ts";
import { appendSample } from "../src/probes/vnf/samples.ts";
import { printRows } from "./table.ts";

const rates = [300_000, 600_000, 1_000_000, 1_500_000];

export async function records(seconds = 60): Promise<void> {
  const producer = new Worker(new URL("./produce.worker.ts", import.meta.url).href);
  let sustained = 0;
  for (const rate of rates) {
    const { lost, read } = await attempt(producer, rate, 3);
    console.log(`  ${rate} records/s for 3 s: read ${read}, lost ${lost}`);
    if (lost > 0) break;
    sustained = rate;
  }
  const long = await attempt(producer, sustained, seconds);
  producer.terminate();
  printRows("records to user space", [
    {
      what: `records/s without loss, ${seconds} s`,
      measured: `${Math.round(long.read / seconds)} (${long.lost} of ${long.read + long.lost} lost)`,
      must: "≥ 300 k",
      aim: "1 M",
      peer: "bpftrace printf 40 k",
      met: long.lost === 0 && long.read / seconds >= 299_000,
    },
  ]);
}

async function attempt(
  producer: Worker,
  rate: number,
  seconds: number,
): Promise<{ lost: number; read: number }> {
  using opened = BpfObject.open(readFileSync(object));
  opened.load();
  using ring = new RingBuffer(opened.map("samples"));
  const bss = opened.section(".bss").map();
  const done = new Promise<void>((resolve, reject) => {
    producer.onmessage = () => resolve();
    producer.onerror = (event) => reject(new Error(event.message));
  });
  producer.postMessage({ fd: opened.program("write_record").fd, rate, seconds });
  const into = new SpanRecords(1 << 16);
  let read = 0;
  let running = true;
  const ended = done.finally(() => {
    running = false;
  });
  const look = () => {
    read += ring.read((at) => appendSample(ring.data, at, into));
    into.clear();
  };
  while (running) {
    look();
    await Bun.sleep(1);
  }
  await ended;
  look();
  const count = new DataView(bss.buffer); // written, lost
  return { lost: readU64(count, 0) + readU64(count, 8) - read, read };
}
