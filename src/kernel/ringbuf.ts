/**
 * A BPF ring buffer read by mapped memory: no callback, no system call per record.
 * Layout (kernel/bpf/ringbuf.c): a page with the consumer position, a page with the producer position, then the
 * data mapped twice in a row, so that no record wraps. Record: u32 length (bit 31 busy, bit 30 discarded), u32, bytes.
 *
 * The kernel maps producer page and data read-only, and JavaScriptCore compiles loads of `Atomics` to instructions that
 * write: of 32 bits on x86, of any size on arm64. They fault there. So the producer position is read plainly, as one
 * load of 64 bits, and a barrier on memory of our own puts the reading of headers behind it. The position moves when
 * a record is reserved, and its header says when it is complete: another barrier puts the records behind their headers.
 */

import { mapMemory, Protection, pageBytes } from "./libc.ts";
import { type BpfMap, type MappedMemory, unmap } from "./map.ts";

const headerBytes = 8;
const busy = 0x8000_0000;
const discarded = 0x4000_0000;
const fence = new Int32Array(1);

/** Store with release, load with acquire: what stands before is done before what stands behind, on arm64 too. */
function barrier(): void {
  Atomics.store(fence, 0, 0);
  Atomics.load(fence, 0);
}

export class RingBuffer implements Disposable {
  readonly #bytes: number;
  readonly #consumerPage: MappedMemory;
  readonly #producerPages: MappedMemory;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  readonly #data: DataView;
  #position: number;

  constructor(map: BpfMap) {
    this.#bytes = map.entries;
    const page = pageBytes();
    this.#consumerPage = mapMemory(map.fd, page, Protection.read | Protection.write, 0);
    try {
      const bytes = page + 2 * this.#bytes;
      this.#producerPages = mapMemory(map.fd, bytes, Protection.read, page);
    } catch (error) {
      unmap(this.#consumerPage);
      throw error;
    }
    this.#consumer = new BigInt64Array(this.#consumerPage.buffer, 0, 1);
    this.#producer = new BigInt64Array(this.#producerPages.buffer, 0, 1);
    this.#data = new DataView(this.#producerPages.buffer, page);
    this.#position = Number(Atomics.load(this.#consumer, 0));
  }

  /** The data area; `read` gives offsets into it. Little endian. */
  get data(): DataView {
    return this.#data;
  }

  /**
   * Gives every complete record to `take(offset, bytes)`, oldest first, and frees them all at once at the end.
   * `take` must not keep the offset. Returns the number of records.
   */
  read(take: (offset: number, bytes: number) => void): number {
    const mask = this.#bytes - 1;
    const header = (at: number) => this.#data.getUint32(at & mask, true);
    const after = (at: number) =>
      at + ((headerBytes + (header(at) & ~(busy | discarded)) + 7) & ~7);
    const produced = Number(this.#producer[0]);
    barrier();
    let end = this.#position;
    while (end < produced && !(header(end) & busy)) end = after(end); // reserved, not yet submitted
    barrier();
    let records = 0;
    for (let at = this.#position; at < end; at = after(at)) {
      const length = header(at);
      if (length & discarded) continue;
      take((at & mask) + headerBytes, length);
      records++;
    }
    if (end !== this.#position) {
      this.#position = end;
      Atomics.store(this.#consumer, 0, BigInt(end));
    }
    return records;
  }

  [Symbol.dispose](): void {
    unmap(this.#consumerPage);
    unmap(this.#producerPages);
  }
}
