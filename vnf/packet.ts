import { SOCKADDR_BYTES } from "../src/kernel/address.ts";
import { type MappedMemory, mapAnonymous, type Pointer, unmap } from "../src/kernel/libc.ts";

/** More than the largest UDP payload (65,507 bytes over IPv4), so that nothing is ever cut. */
export const PAYLOAD_BYTES = 65_536;
const SOURCE_LENGTH_AT = PAYLOAD_BYTES + 64;
const MEMORY_BYTES = PAYLOAD_BYTES + 4096;

/** One user buffer and its packet: payload, sender's address and length, at fixed addresses. */
export class Packet {
  readonly #memory: MappedMemory = mapAnonymous(MEMORY_BYTES);
  /** Where the payload lies. */
  readonly payload = this.#memory.address;
  /** `struct sockaddr` of the sender. */
  readonly source = (this.#memory.address + PAYLOAD_BYTES) as Pointer;
  /** `socklen_t`, in and out: once set to the family's size it stays so. */
  readonly sourceLength = (this.#memory.address + SOURCE_LENGTH_AT) as Pointer;
  readonly words = new Uint32Array(this.#memory.buffer);
  length = 0;

  constructor() {
    this.words.fill(0); // touches every page, so that no packet pays for a page fault
    this.words[SOURCE_LENGTH_AT / 4] = SOCKADDR_BYTES;
  }

  free(): void {
    unmap(this.#memory);
  }
}
