import { stableMemory } from "../kernel/libc.ts";

const PATTERN = 0x6b;
const HIGH_WORD = 2 ** -32;
const SPARE_BYTES = 16;

/**
 * The payload of every packet, written anew for each: sequence number (u64, from 1) at 0, send time
 * (u64, ns of CLOCK_MONOTONIC) at 8, then 0x6b; little endian. Below 16 bytes there is no time, below
 * 8 neither. Identical payloads carry all ones in both.
 */
export class Payload {
  readonly #memory: ReturnType<typeof stableMemory>;
  readonly #words: Uint32Array;
  readonly #numbered: boolean;
  readonly #timed: boolean;
  #sequence = 0;

  constructor(bytes: number, identical: boolean) {
    this.#memory = stableMemory(Math.ceil((bytes + SPARE_BYTES) / 4) * 4);
    this.#words = new Uint32Array(this.#memory.buffer);
    new Uint8Array(this.#memory.buffer).fill(PATTERN);
    this.#numbered = bytes >= 8 && !identical;
    this.#timed = bytes >= 16 && !identical;
    if (identical && bytes >= 8) this.#words.fill(0xffff_ffff, 0, bytes >= 16 ? 4 : 2);
  }

  get address() {
    return this.#memory.address;
  }

  /** Numbers the next packet and stamps it. */
  stamp(sendNs: number): void {
    const words = this.#words;
    const sequence = ++this.#sequence;
    if (this.#numbered) {
      words[0] = sequence;
      words[1] = Math.floor(sequence * HIGH_WORD);
    }
    if (this.#timed) {
      const high = Math.floor(sendNs * HIGH_WORD);
      words[2] = sendNs - high * 0x1_0000_0000;
      words[3] = high;
    }
  }
}
