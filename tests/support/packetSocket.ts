/** Frames, byte by byte: one at a time, or many in one system call. */
import { libc, type Pointer, stableMemory } from "../../src/kernel/libc.ts";
import { closeSocket } from "../../src/kernel/socket.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const mmsghdrBytes = 64;

/** Sends frames out of a device, as they are. */
export class PacketSocket implements Disposable {
  readonly fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

  constructor(ifindex: number) {
    const address = new Uint8Array(new ArrayBuffer(20)); // struct sockaddr_ll
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setInt32(4, ifindex, true);
    if (this.fd < 0 || libc.bind(this.fd, address, address.length) !== 0) {
      throw new Error("no packet socket");
    }
  }

  /** In this order; fails when the kernel takes one not. */
  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const sent = libc.sendto(this.fd, frame, frame.length, 0, null, 0);
      if (sent !== frame.length) throw new Error(`the wire took ${sent} of ${frame.length} bytes`);
    }
  }

  [Symbol.dispose](): void {
    closeSocket(this.fd);
  }
}

/** Many frames in one system call. */
export class Batch {
  readonly #messages: ReturnType<typeof stableMemory>;
  readonly #vectors: ReturnType<typeof stableMemory>;
  readonly #frames: ReturnType<typeof stableMemory>;
  readonly #room = 2048;
  #count = 0;

  constructor(
    readonly fd: number,
    readonly most: number,
  ) {
    this.#messages = stableMemory(most * mmsghdrBytes);
    this.#vectors = stableMemory(most * 16);
    this.#frames = stableMemory(most * this.#room);
    const messages = new DataView(this.#messages.buffer);
    for (let at = 0; at < most; at++) {
      messages.setBigUint64(at * mmsghdrBytes + 16, BigInt(this.#vectors.address + at * 16), true);
      messages.setBigUint64(at * mmsghdrBytes + 24, 1n, true);
    }
  }

  /** Memory for the next frame, to be filled before {@link add}. */
  memory(): Uint8Array {
    return new Uint8Array(this.#frames.buffer, this.#count * this.#room, this.#room);
  }

  /** Puts the frame in, of which so many bytes will be sent. */
  add(bytes: number): void {
    const vectors = new DataView(this.#vectors.buffer);
    const at = this.#count++;
    vectors.setBigUint64(at * 16, BigInt(this.#frames.address + at * this.#room), true);
    vectors.setBigUint64(at * 16 + 8, BigInt(bytes), true);
  }

  get full(): boolean {
    return this.#count === this.most;
  }

  /** Sends what was put in; returns how many frames the kernel took. It refuses one that is too short. */
  send(): number {
    let taken = 0;
    for (let at = 0; at < this.#count; ) {
      const from = (this.#messages.address + at * mmsghdrBytes) as Pointer;
      const sent = libc.sendmmsg(this.fd, from, this.#count - at, 0);
      at += Math.max(sent, 0) + (sent <= 0 ? 1 : 0);
      taken += Math.max(sent, 0);
    }
    this.#count = 0;
    return taken;
  }
}
