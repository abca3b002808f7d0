/** The programs' records (struct komon_sample), as they lie in the ring buffer. */
import { readU64 } from "../../kernel/counter.ts";
import { komonSample } from "../../kernel/generated/vnf.ts";
import { noSeq, type SpanRecords, sequenceOf } from "../../model/records.ts";

const fields = komonSample.fields;

/** Appends the record at `at` and returns its row. On the path of every sampled packet: no object is made. */
export function appendSample(data: DataView, at: number, into: SpanRecords): number {
  return into.append(
    readU64(data, at + fields.nicNs.offset),
    readU64(data, at + fields.rxNs.offset),
    readU64(data, at + fields.readNs.offset),
    readU64(data, at + fields.sendNs.offset),
    readU64(data, at + fields.txNs.offset),
    data.getUint32(at + fields.tid.offset, true),
    data.getUint32(at + fields.digest.offset, true),
    data.getUint32(at + fields.interval.offset, true),
    data.getUint32(at + fields.index.offset, true) + 1,
    sequence(data, at + fields.head.offset, data.getUint32(at + fields.payloadBytes.offset, true)),
    data.getUint16(at + fields.flags.offset, true),
    data.getUint16(at + fields.vnf.offset, true),
  );
}

/** The sequence number at the head of a payload of `payloadBytes`. */
export function sequence(data: DataView, at: number, payloadBytes: number): number {
  if (payloadBytes < 8) return noSeq;
  return sequenceOf(data.getUint32(at, true), data.getUint32(at + 4, true));
}
