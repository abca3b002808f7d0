import { type MappedMemory, mapAnonymous, unmap } from "../src/kernel/libc.ts";

export const ROW_BYTES = 48;
const ROW_WORDS = ROW_BYTES / 4;
const HIGH_WORD = 2 ** -32;

/** 32,768 rows, 1.5 MiB: mapped in one call, given by the kernel page by page as rows are written. */
const CHUNK_BYTES = 32_768 * ROW_BYTES;

/** Memory with whole rows in it, as one thread hands it to another. */
export interface RowChunk {
  readonly address: number;
  readonly bytes: number;
}

/**
 * The ground truth in memory, rows laid out as in the truth file (docs/files.md): mapped chunks that
 * other threads can read by address, never moved, never copied, never collected.
 */
export class TruthRows {
  readonly #chunks: MappedMemory[] = [];
  #words = new Uint32Array(0);
  #at = 0;
  #heldWords = this.#words;
  #heldAt = 0;

  /** Appends the row of a packet; `seqLow` and `seqHigh` are all ones when it carries no number. */
  add(
    seqLow: number,
    seqHigh: number,
    recvNs: number,
    sendNs: number,
    askedNs: number,
    tid: number,
    payloadBytes: number,
    flags: number,
    interval: number,
  ): void {
    if (this.#at === this.#words.length) this.#grow();
    const words = this.#words;
    const at = this.#at;
    words[at] = seqLow;
    words[at + 1] = seqHigh;
    put64(words, at + 2, recvNs);
    put64(words, at + 4, sendNs);
    put64(words, at + 6, askedNs);
    words[at + 8] = tid;
    words[at + 9] = payloadBytes;
    words[at + 10] = flags;
    words[at + 11] = interval;
    this.#at = at + ROW_WORDS;
  }

  /** Remembers the row just added: its packet is held back and will be sent later. */
  hold(): void {
    this.#heldWords = this.#words;
    this.#heldAt = this.#at - ROW_WORDS;
  }

  /** Completes the held row. */
  release(sendNs: number, flags: number): void {
    put64(this.#heldWords, this.#heldAt + 4, sendNs);
    this.#heldWords[this.#heldAt + 10] = this.#heldWords[this.#heldAt + 10] | flags;
  }

  /** The rows so far, in order. */
  chunks(): RowChunk[] {
    const last = this.#chunks.length - 1;
    return this.#chunks.map(({ address, bytes }, at) => ({
      address,
      bytes: at === last ? this.#at * 4 : bytes,
    }));
  }

  free(): void {
    for (const chunk of this.#chunks.splice(0)) unmap(chunk);
    this.#words = this.#heldWords = new Uint32Array(0);
    this.#at = 0;
  }

  #grow(): void {
    const chunk = mapAnonymous(CHUNK_BYTES);
    this.#chunks.push(chunk);
    this.#words = new Uint32Array(chunk.buffer);
    this.#at = 0;
  }
}

function put64(words: Uint32Array, at: number, value: number): void {
  const high = Math.floor(value * HIGH_WORD);
  words[at] = value - high * 0x1_0000_0000;
  words[at + 1] = high;
}
