/** An io_uring for one request at a time (include/uapi/linux/io_uring.h). */
import { dlopen, FFIType as T } from "bun:ffi";
import {
  errnoName,
  lastErrno,
  libc,
  type MappedMemory,
  mapMemory,
  type Pointer,
  Protection,
  stableMemory,
  unmap,
} from "../../src/kernel/libc.ts";

const { symbols: c } = dlopen("libc.so.6", {
  // long syscall(long number, ...);
  syscall: { args: [T.i64, T.u64, T.u64, T.u64, T.u64, T.u64, T.u64], returns: T.i64 },
});

/** The same numbers on every architecture (include/uapi/asm-generic/unistd.h). */
const [SETUP, ENTER] = [425, 426];
const IORING_OFF_SQES = 0x1000_0000;
const IORING_ENTER_GETEVENTS = 1;
const IORING_OP_SENDMSG = 9;
/** Offsets in struct io_uring_params, and of it in sq_off and cq_off. */
const params = { bytes: 120, sq: 40, cq: 80 };
const sq = { tail: 4, array: 24 };
const cq = { head: 0, mask: 8, cqes: 20 };

export class Uring implements Disposable {
  readonly #fd: number;
  readonly #rings: MappedMemory;
  readonly #entries: MappedMemory;
  readonly #places: DataView;

  constructor() {
    const given = stableMemory(params.bytes);
    this.#fd = Number(c.syscall(SETUP, 1, Number(given.address), 0, 0, 0, 0));
    if (this.#fd < 0) throw new Error(`io_uring_setup: ${errnoName(lastErrno())}`);
    this.#places = new DataView(given.buffer);
    const both = Protection.read | Protection.write;
    this.#rings = mapMemory(this.#fd, 4096, both, 0); // since 5.4 one mapping for both rings
    this.#entries = mapMemory(this.#fd, 4096, both, IORING_OFF_SQES);
  }

  /** Sends by a request of its own and waits for its end. @returns what sendmsg would */
  sendmsg(fd: number, header: Pointer): number {
    const [ring, entry] = [
      new DataView(this.#rings.buffer),
      new DataView(this.#entries.buffer, 0, 64),
    ];
    const at = (part: number, field: number) => this.#places.getUint32(part + field, true);
    for (let word = 0; word < 64; word += 4) entry.setUint32(word, 0, true);
    entry.setUint8(0, IORING_OP_SENDMSG);
    entry.setInt32(4, fd, true);
    entry.setBigUint64(16, BigInt(header), true);
    entry.setUint32(24, 1, true);
    ring.setUint32(at(params.sq, sq.array), 0, true);
    const tail = at(params.sq, sq.tail);
    ring.setUint32(tail, ring.getUint32(tail, true) + 1, true);
    const done = Number(c.syscall(ENTER, this.#fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0));
    if (done !== 1) throw new Error(`io_uring_enter: ${errnoName(lastErrno())}`);
    const head = at(params.cq, cq.head);
    const index = ring.getUint32(head, true);
    const mask = ring.getUint32(at(params.cq, cq.mask), true);
    const result = ring.getInt32(at(params.cq, cq.cqes) + (index & mask) * 16 + 8, true);
    ring.setUint32(head, index + 1, true);
    return result;
  }

  [Symbol.dispose](): void {
    unmap(this.#entries);
    unmap(this.#rings);
    libc.close(this.#fd);
  }
}

/** Why there is none here; undefined where there is. */
export function lacksUring(): string | undefined {
  try {
    new Uring()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `no io_uring can be made here (${(error as Error).message})`;
  }
}
