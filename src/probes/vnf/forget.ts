/** Makes the probe's memory what it was before the first packet: after packets that were komon's own. */
import { readU64 } from "../../kernel/counter.ts";
import {
  komonCounters,
  komonDeadline,
  komonHistograms,
  komonLimit,
  komonQueue,
  komonQueued,
  komonThread,
  komonVnfControl,
} from "../../kernel/generated/vnf.ts";
import { possibleCpus } from "../../kernel/map.ts";
import type { BpfObject } from "../../kernel/object.ts";
import { View } from "../view.ts";

/** As many places of a queue as packets of komon's own ever waited in it, and more. */
const queuePlaces = 64;

/** Forgets the first VNF's packets. For a moment in which no port is watched. */
export function forget(object: BpfObject): void {
  const cpus = possibleCpus();
  const map = object.map("counters");
  const stride = map.entries / cpus;
  using counters = new Eraser(map);
  using histograms = new Eraser(object.map("histograms"));
  for (let cpu = 0; cpu < cpus; cpu++) {
    counters.erase(cpu * stride * komonCounters.size, komonCounters.size);
    histograms.erase(cpu * stride * komonHistograms.size, komonHistograms.size);
  }
  using deadlines = new Eraser(object.map("deadlines"));
  deadlines.erase(0, komonDeadline.size);
  using queues = new Eraser(object.map("queues"));
  const used = komonQueue.fields.packet.offset + queuePlaces * komonQueued.size;
  for (let i = 0; i < komonLimit.KOMON_QUEUES; i++) {
    const at = i * komonQueue.size;
    if (queues.holds(at + komonQueue.fields.sk.offset)) queues.erase(at, used);
  }
  using threads = new Eraser(object.map("threads"));
  for (let i = 0; i < komonLimit.KOMON_THREADS; i++) {
    const at = i * komonThread.size;
    if (threads.holds(at + komonThread.fields.activeNs.offset)) threads.erase(at, komonThread.size);
  }
  using control = new Eraser(object.control(komonVnfControl.size));
  const { offset, size } = komonVnfControl.fields.threadIds;
  control.erase(offset, size);
}

class Eraser extends View {
  erase(from: number, bytes: number): void {
    new Uint8Array(this.view.buffer, from, bytes).fill(0);
  }

  /** Whether there is a number above 0. */
  holds(offset: number): boolean {
    return readU64(this.view, offset) > 0;
  }
}
