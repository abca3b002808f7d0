import { AF_INET, type SocketAddress } from "../kernel/address.ts";
import {
  libc,
  type MappedMemory,
  mapAnonymous,
  monotonicNs,
  type Pointer,
  unmap,
} from "../kernel/libc.ts";
import { MSG_DONTWAIT, POLLIN } from "../kernel/socket.ts";
import { headBytes, headOffset, type WireOptions } from "./wire.ts";

const bufferBytes = 1 << 16;

/**
 * What a process sees that waits at a socket for the answers: the other half of `--no-drop`.
 * It reads the clock when the receive call has returned.
 */
export class UserSide implements Disposable {
  readonly #fds: readonly (readonly [SocketAddress["family"], number])[];
  readonly #wire: WireOptions;
  readonly #memory: MappedMemory = mapAnonymous(bufferBytes);
  readonly #view = new DataView(this.#memory.buffer);
  readonly #poll: MappedMemory = mapAnonymous(64);
  readonly #pollView = new DataView(this.#poll.buffer);
  readonly #cookieLow: number;
  readonly #cookieHigh: number;

  constructor(receiving: ReadonlyMap<SocketAddress["family"], number>, wire: WireOptions) {
    this.#fds = [...receiving];
    this.#wire = wire;
    this.#cookieLow = Number(wire.cookie & 0xffff_ffffn);
    this.#cookieHigh = Number(wire.cookie >> 32n);
    for (const [at, [, fd]] of this.#fds.entries()) {
      this.#pollView.setInt32(at * 8, fd, true);
      this.#pollView.setInt16(at * 8 + 4, POLLIN, true);
    }
  }

  /** Sleeps until an answer comes, or for so long. */
  wait(ns: number): void {
    this.#pollView.setUint32(32, Math.floor(ns / 1e9), true);
    this.#pollView.setUint32(40, Math.floor(ns % 1e9), true);
    const timeout = (Number(this.#poll.address) + 32) as Pointer;
    libc.ppoll(this.#poll.address, this.#fds.length, timeout, null);
  }

  /** All answers that wait: their sequence numbers, and when the process had them. */
  read(take: (sequence: number, nowNs: number) => void): void {
    for (const [family, fd] of this.#fds) {
      for (;;) {
        const address = this.#memory.address;
        const bytes = libc.recvfrom(fd, address, bufferBytes, MSG_DONTWAIT, null, null);
        if (bytes < 0) break;
        const now = monotonicNs();
        const at = this.#headAt(family, bytes);
        if (at >= 0) take(this.#view.getUint32(at + 8, true), now);
      }
    }
  }

  /** Offset of our head, or −1. Raw sockets for IPv4 hand out the IP header too. */
  #headAt(family: SocketAddress["family"], bytes: number): number {
    let at = headOffset(this.#wire);
    if (this.#wire.kind === "icmp") {
      at += 8 + (family === AF_INET ? (this.#view.getUint8(0) & 15) * 4 : 0);
    }
    if (bytes < at + headBytes) return -1;
    if (this.#view.getUint32(at, true) !== this.#cookieLow) return -1;
    return this.#view.getUint32(at + 4, true) === this.#cookieHigh ? at : -1;
  }

  [Symbol.dispose](): void {
    unmap(this.#memory);
    unmap(this.#poll);
  }
}
