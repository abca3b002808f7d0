import { type Span, spans } from "./spans.ts";

/** The `seq` of a packet whose payload carries no sequence number. */
export const noSeq = -1;

/**
 * The sequence number that the first eight payload bytes (little endian) carry.
 * All ones marks "none", and above 2^53 it is some other program's payload: both give {@link noSeq}.
 */
export function sequenceOf(low: number, high: number): number {
  return high >>> 0 >= 0x20_0000 ? noSeq : (high >>> 0) * 0x1_0000_0000 + (low >>> 0);
}

/**
 * What the kernel saw of each packet: one column per field, no object per packet.
 * Times are nanoseconds of CLOCK_MONOTONIC; 0 means that the point was not seen.
 * A column is longer than {@link length}: read `column.subarray(0, records.length)`, and take
 * columns anew after an append, because growing replaces them.
 */
export class SpanRecords {
  length = 0;
  nicNs: Float64Array;
  rxNs: Float64Array;
  readNs: Float64Array;
  sendNs: Float64Array;
  txNs: Float64Array;
  /** Sequence number in the payload, or {@link noSeq}. */
  seq: Float64Array;
  /** The thread that read the packet. */
  tid: Uint32Array;
  digest: Uint32Array;
  /** The sampling interval, 1…; 0 when the packet belongs to none. */
  interval: Uint32Array;
  /** Position in the interval, 1…. */
  index: Uint32Array;
  flags: Uint32Array;
  /** Which of the monitored VNFs. */
  vnf: Uint16Array;

  constructor(capacity = 1024) {
    const rows = Math.max(1, capacity);
    this.nicNs = new Float64Array(rows);
    this.rxNs = new Float64Array(rows);
    this.readNs = new Float64Array(rows);
    this.sendNs = new Float64Array(rows);
    this.txNs = new Float64Array(rows);
    this.seq = new Float64Array(rows);
    this.tid = new Uint32Array(rows);
    this.digest = new Uint32Array(rows);
    this.interval = new Uint32Array(rows);
    this.index = new Uint32Array(rows);
    this.flags = new Uint32Array(rows);
    this.vnf = new Uint16Array(rows);
  }

  get capacity(): number {
    return this.nicNs.length;
  }

  /** Adds a row of zeros (with no sequence number) and returns its number, for the caller to fill. */
  add(): number {
    if (this.length === this.capacity) this.#grow();
    const row = this.length++;
    this.seq[row] = noSeq;
    return row;
  }

  append(
    nicNs: number,
    rxNs: number,
    readNs: number,
    sendNs: number,
    txNs: number,
    tid: number,
    digest: number,
    interval: number,
    index: number,
    seq: number,
    flags: number,
    vnf: number,
  ): number {
    const row = this.add();
    this.nicNs[row] = nicNs;
    this.rxNs[row] = rxNs;
    this.readNs[row] = readNs;
    this.sendNs[row] = sendNs;
    this.txNs[row] = txNs;
    this.tid[row] = tid;
    this.digest[row] = digest;
    this.interval[row] = interval;
    this.index[row] = index;
    this.seq[row] = seq;
    this.flags[row] = flags;
    this.vnf[row] = vnf;
    return row;
  }

  /** The span of one packet in ns; NaN when one of its two points was not seen. */
  span(name: Span, row: number): number {
    const from = this[`${spans[name].from}Ns`][row];
    const to = this[`${spans[name].to}Ns`][row];
    return from > 0 && to > 0 ? to - from : Number.NaN;
  }

  /** The span of all packets that passed both of its points, in order of the rows. */
  values(name: Span): Float64Array {
    const from = this[`${spans[name].from}Ns`];
    const to = this[`${spans[name].to}Ns`];
    const values = new Float64Array(this.length);
    let count = 0;
    for (let row = 0; row < this.length; row++) {
      if (from[row] > 0 && to[row] > 0) values[count++] = to[row] - from[row];
    }
    return values.subarray(0, count);
  }

  /** Forgets all rows and keeps the memory. */
  clear(): void {
    for (const column of this.#columns()) column.fill(0, 0, this.length);
    this.length = 0;
  }

  #columns() {
    return [
      ...[this.nicNs, this.rxNs, this.readNs, this.sendNs, this.txNs, this.seq],
      ...[this.tid, this.digest, this.interval, this.index, this.flags, this.vnf],
    ];
  }

  /** By half, so that the peak while copying stays below 2.5 times the data. */
  #grow(): void {
    const rows = Math.ceil(this.capacity * 1.5) + 16;
    this.nicNs = grown(this.nicNs, new Float64Array(rows));
    this.rxNs = grown(this.rxNs, new Float64Array(rows));
    this.readNs = grown(this.readNs, new Float64Array(rows));
    this.sendNs = grown(this.sendNs, new Float64Array(rows));
    this.txNs = grown(this.txNs, new Float64Array(rows));
    this.seq = grown(this.seq, new Float64Array(rows));
    this.tid = grown(this.tid, new Uint32Array(rows));
    this.digest = grown(this.digest, new Uint32Array(rows));
    this.interval = grown(this.interval, new Uint32Array(rows));
    this.index = grown(this.index, new Uint32Array(rows));
    this.flags = grown(this.flags, new Uint32Array(rows));
    this.vnf = grown(this.vnf, new Uint16Array(rows));
  }
}

function grown<Column extends Float64Array | Uint32Array | Uint16Array>(
  from: Column,
  to: Column,
): Column {
  to.set(from);
  return to;
}
