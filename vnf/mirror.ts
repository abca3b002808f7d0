import { KomonError } from "../src/base/errors.ts";
import { CLOCK_MONOTONIC } from "../src/kernel/clock.ts";
import {
  errnoName,
  errnoWhy,
  lastErrno,
  libc,
  type Pointer,
  stableMemory,
} from "../src/kernel/libc.ts";
import { MSG_DONTWAIT, POLLIN } from "../src/kernel/socket.ts";
import { TruthFlag } from "../src/model/vnfRecord.ts";
import type { Wait } from "../src/model/wait.ts";
import type { Control } from "./control.ts";
import { Fate, type Faults } from "./faults.ts";
import { PAYLOAD_BYTES, Packet } from "./packet.ts";
import { TruthRows } from "./rows.ts";
import type { ServiceTimes } from "./service.ts";

/** What the loop works with. */
export interface MirrorParts {
  readonly receiveFd: number;
  readonly sendFd: number;
  /** Send to whom the packet came from; else to {@link target}, or to the connected peer when that is 0. */
  readonly echo: boolean;
  readonly target: Pointer;
  /** Size of the address to send to: 16 (IPv4), 28 (IPv6), 0 when connected. */
  readonly addressBytes: number;
  readonly service: ServiceTimes;
  readonly faults: Faults;
  readonly rewrite: boolean;
  /** Where the thread waits for packets. */
  readonly wait: Wait;
  /** How long a sleep of `wait: "ready"` lasts: -1 = until a packet comes, 0 = the warm-up, which does not sleep. */
  readonly sleepMs: number;
  /** Keep the row of every packet, not only of sampled ones. */
  readonly keepAll: boolean;
  readonly control: Control;
  readonly tid: number;
}

/** After the request to stop, packets that already wait in the socket are still served, this long. */
const DRAIN_NS = 2e9;
/** A packet that is held back goes alone when no other has come for so long. */
export const HOLD_MS = 200;
/** `rewrite` changes this much of a payload, by XOR with {@link REWRITE_MASK}. */
const REWRITE_WORDS = 16;
const REWRITE_MASK = 0x5a5a_5a5a;
const NO_SEQ = 0xffff_ffff;
const NEVER_SENT = TruthFlag.dropped | TruthFlag.sendFailed;

/**
 * The VNF: receive, stamp, spin for the service time, stamp, send.
 *
 * Nothing is allocated per packet, and nothing but the service stands between the receive call's
 * return and the send call: the next service time and fate are drawn before the receive, rows are
 * written after the send. The stamp before the send is the reading that ended the spin.
 */
export class Mirror {
  readonly rows = new TruthRows();
  received = 0;
  sent = 0;
  sentBytes = 0;
  dropped = 0;
  heldBack = 0;
  sentTwice = 0;
  rewritten = 0;
  failed = 0;
  /** Failed send calls by errno. */
  readonly errors = new Uint32Array(256);

  readonly #parts: MirrorParts;
  readonly #clock = stableMemory(16);
  /** `struct pollfd`: the socket that is received from. */
  readonly #readiness = stableMemory(8);
  #packet = new Packet();
  /** The other buffer; while {@link #holding}, a packet that waits in it to be sent after the next. */
  #other = new Packet();
  #holding = false;
  #heldKept = false;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
    const entry = new DataView(this.#readiness.buffer);
    entry.setInt32(0, parts.receiveFd, true);
    entry.setInt16(4, POLLIN, true);
  }

  /**
   * Serves packets until there were `limit` in all, until it has found none `idle` times, or until the main
   * thread says stop.
   */
  run(limit: number, idle: number): void {
    const { receiveFd, sendFd, echo, target, addressBytes, service, faults } = this.#parts;
    const { rewrite, wait, keepAll, control, tid } = this.#parts;
    const { recvfrom, sendto, clock_gettime } = libc;
    const clock = this.#clock.address;
    const time = new Uint32Array(this.#clock.buffer); // seconds at 0, nanoseconds at 2
    const none = 0 as Pointer;
    let receiveFlags = wait === "receive" ? 0 : MSG_DONTWAIT;
    let idleLeft = idle;
    let draining = false;
    let epoch = -1;
    let interval = 0; // 0 while nothing is sampled
    let signalNs = 0;
    let drainUntilNs = Number.MAX_SAFE_INTEGER;
    let lastNs = 0;

    while (this.received < limit) {
      const packet = this.#packet;
      const payload = packet.payload;
      const to = echo ? packet.source : target;
      const from = echo ? packet.source : none;
      const fromLength = echo ? packet.sourceLength : none;
      const askedNs = service.draw();
      const fate = faults.draw();

      let length = recvfrom(receiveFd, payload, PAYLOAD_BYTES, receiveFlags, from, fromLength);
      clock_gettime(CLOCK_MONOTONIC, clock);
      let recvNs = time[0] * 1e9 + time[2];
      while (length < 0 || (length === 0 && this.#woken(receiveFlags))) {
        const soon = wait !== "receive" && recvNs < lastNs + HOLD_MS * 1e6;
        if (length < 0 && this.#noPacket(draining, soon)) return;
        if (--idleLeft < 0) return;
        if (control.stopping && !draining) {
          draining = true;
          receiveFlags = MSG_DONTWAIT;
          drainUntilNs = recvNs + DRAIN_NS;
        }
        if (wait === "ready" && !draining) this.#untilReady();
        length = recvfrom(receiveFd, payload, PAYLOAD_BYTES, receiveFlags, from, fromLength);
        clock_gettime(CLOCK_MONOTONIC, clock);
        recvNs = time[0] * 1e9 + time[2];
      }

      lastNs = recvNs;
      const words = packet.words;
      let flags = 0;
      let sendNs = 0;
      let seqLow = words[0];
      let seqHigh = words[1];
      if (length < 8) seqLow = seqHigh = NO_SEQ;
      if (fate === Fate.drop) {
        flags = TruthFlag.dropped;
        this.dropped++;
      } else {
        if (rewrite) {
          for (let at = 0; at < REWRITE_WORDS; at++) words[at] = words[at] ^ REWRITE_MASK;
          flags = TruthFlag.rewritten;
          this.rewritten++;
        }
        const dueNs = recvNs + askedNs;
        do {
          clock_gettime(CLOCK_MONOTONIC, clock);
          sendNs = time[0] * 1e9 + time[2];
        } while (sendNs < dueNs);

        if ((fate & Fate.reorder) !== 0 && !this.#holding) {
          flags |= TruthFlag.heldBack;
          sendNs = 0;
        } else {
          let result = sendto(sendFd, payload, length, 0, to, addressBytes);
          if (result < 0) result = this.#sendAgain(packet, length, to);
          if (result < 0) {
            flags |= TruthFlag.sendFailed;
            this.failed++;
          } else {
            this.sent++;
            this.sentBytes += length;
          }
          if ((fate & Fate.duplicate) !== 0) {
            result = sendto(sendFd, payload, length, 0, to, addressBytes);
            if (result >= 0) {
              flags |= TruthFlag.sentTwice;
              this.sentTwice++;
            }
          }
          if (this.#holding) this.#sendHeld();
        }
      }
      this.received++;

      if (control.epoch !== epoch) {
        epoch = control.epoch;
        interval = control.interval;
        signalNs = control.signalNs;
        if (control.stopping && !draining) {
          draining = true;
          receiveFlags = MSG_DONTWAIT;
          drainUntilNs = recvNs + DRAIN_NS;
        }
      }
      let sampledIn = 0;
      if (interval > 0 && recvNs >= signalNs && (flags & NEVER_SENT) === 0) {
        if (control.takeSample()) sampledIn = interval;
        else interval = 0;
      }
      const keep = keepAll || sampledIn > 0;
      if (keep) {
        this.rows.add(seqLow, seqHigh, recvNs, sendNs, askedNs, tid, length, flags, sampledIn);
      }
      if ((flags & TruthFlag.heldBack) !== 0) this.#hold(length, keep);
      if (draining && recvNs > drainUntilNs) return;
    }
  }

  /** Sends a packet that is still held back: nothing that was received is lost at the end. */
  finish(): void {
    if (this.#holding) this.#sendHeld();
  }

  free(): void {
    this.#packet.free();
    this.#other.free();
    this.rows.free();
  }

  /** The held packet stays in its buffer; the next one is received into the other. */
  #hold(length: number, kept: boolean): void {
    const held = this.#packet;
    held.length = length;
    this.#packet = this.#other;
    this.#other = held;
    this.#holding = true;
    this.#heldKept = kept;
    this.heldBack++;
    if (kept) this.rows.hold();
  }

  #sendHeld(): void {
    const { sendFd, echo, target, addressBytes } = this.#parts;
    const held = this.#other;
    const to = echo ? held.source : target;
    const time = new Uint32Array(this.#clock.buffer);
    libc.clock_gettime(CLOCK_MONOTONIC, this.#clock.address);
    const sendNs = time[0] * 1e9 + time[2];
    let result = libc.sendto(sendFd, held.payload, held.length, 0, to, addressBytes);
    if (result < 0) result = this.#sendAgain(held, held.length, to);
    this.#holding = false;
    if (result < 0) this.failed++;
    else {
      this.sent++;
      this.sentBytes += held.length;
    }
    if (this.#heldKept) this.rows.release(sendNs, result < 0 ? TruthFlag.sendFailed : 0);
  }

  /**
   * A connected socket reports an earlier packet's ICMP error (ECONNREFUSED: nobody listens there)
   * by failing the next send, without sending. That packet is not to blame: it gets a second try.
   */
  #sendAgain(packet: Packet, length: number, to: Pointer): number {
    const errno = lastErrno();
    this.errors[errno & 255] = this.errors[errno & 255] + 1;
    if (errnoName(errno) !== "ECONNREFUSED") return -1;
    const { sendFd, addressBytes } = this.#parts;
    return libc.sendto(sendFd, packet.payload, length, 0, to, addressBytes);
  }

  /**
   * Sleeps until the socket has a packet. What is cold after the sleep is warmed on the way out, by the same calls
   * that the packet will take: so the edges of its receive call are short, and no part of its service time.
   */
  #untilReady(): void {
    const { sleepMs } = this.#parts;
    libc.poll(this.#readiness.address, 1, this.#holding && sleepMs < 0 ? HOLD_MS : sleepMs);
    libc.clock_gettime(CLOCK_MONOTONIC, this.#clock.address);
  }

  /** Zero bytes: an empty datagram, or (when a blocked receive is to stop) the shutdown that woke it. */
  #woken(receiveFlags: number): boolean {
    return receiveFlags === 0 && this.#parts.control.stopping;
  }

  /**
   * A receive failed. True when that is the end; false when it is to be tried again. `soon`: the next packet may come
   * any moment.
   */
  #noPacket(draining: boolean, soon: boolean): boolean {
    const errno = lastErrno();
    const name = errnoName(errno);
    if (name === "EAGAIN") {
      if (draining) return true; // the queue is empty
      if (!soon) this.finish(); // nothing came for a while that the held packet could wait for
      return false;
    }
    if (name === "EINTR" || name === "ECONNREFUSED") return false;
    throw new KomonError({ what: "the VNF cannot receive", why: errnoWhy(errno) });
  }
}
