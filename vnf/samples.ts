import { memoryAt } from "../src/kernel/libc.ts";
import { TruthFlag } from "../src/model/vnfRecord.ts";
import { ROW_BYTES, type RowChunk } from "./rows.ts";

/** The columns of a VNF_ row that the program cannot know: copies of what it was started with. */
export interface SampleLabels {
  readonly pps: string;
  /** Empty: the payload size of each packet. */
  readonly bytes: string;
  readonly interval: string;
  readonly delayNs: number;
}

interface Sample {
  readonly interval: number;
  readonly recvNs: number;
  readonly serviceNs: number;
  readonly bytes: number;
}

/**
 * The sampled packets as 2019's rows: total; interval; index; pps; bytes; interval length; delay in µs;
 * ns from receive to send. Ordered by time of receipt over all workers. `firstIndex` is 0 in a file
 * and 1 on a terminal, as it was.
 */
export function sampleLines(
  chunks: readonly RowChunk[],
  labels: SampleLabels,
  all: boolean,
  firstIndex: 0 | 1,
): string {
  const samples = [...samplesOf(chunks, all)].sort((a, b) => a.recvNs - b.recvNs);
  const delay = labels.delayNs / 1000;
  let text = "";
  let interval = -1;
  let index: number = firstIndex;
  samples.forEach((sample, total) => {
    if (sample.interval !== interval) index = firstIndex;
    interval = sample.interval;
    text += `${total + 1};${interval};${index};${labels.pps};${labels.bytes || sample.bytes};`;
    text += `${labels.interval};${delay};${sample.serviceNs}\n`;
    index++;
  });
  return text;
}

function* samplesOf(chunks: readonly RowChunk[], all: boolean): Generator<Sample> {
  for (const { address, bytes } of chunks) {
    const rows = new DataView(memoryAt(address, bytes));
    for (let at = 0; at < bytes; at += ROW_BYTES) {
      const interval = rows.getUint32(at + 44, true);
      const sendNs = Number(rows.getBigUint64(at + 16, true));
      const sent = sendNs > 0 && (rows.getUint32(at + 40, true) & TruthFlag.sendFailed) === 0;
      if (!sent || (interval === 0 && !all)) continue;
      const recvNs = Number(rows.getBigUint64(at + 8, true));
      const size = rows.getUint32(at + 36, true);
      yield { interval, recvNs, serviceNs: sendNs - recvNs, bytes: size };
    }
  }
}
