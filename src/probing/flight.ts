import type { Slots } from "../probes/active/slots.ts";

const unused = 0;
const waiting = 1;
const answered = 2;
const lost = 3;

/**
 * The probes on their way, by sequence number modulo the number of slots: what user space knows of
 * each beside the kernel's stamps. Sequence numbers are 32 bits wide on the wire and wrap there;
 * here they count on.
 */
export class Flight {
  /** Waiting for an answer. */
  outstanding = 0;
  readonly #slots: Slots;
  readonly #mask: number;
  readonly #state: Uint8Array;
  readonly #sentNs: Float64Array;
  readonly #host: Uint32Array;
  readonly #number: Float64Array;
  readonly #userRttNs: Float64Array;
  readonly #sequence: Uint32Array;
  /** The oldest whose fate is not final, and the next to be sent. */
  #tail: number;
  #next: number;

  constructor(slots: Slots, firstSequence: number) {
    this.#slots = slots;
    this.#mask = slots.count - 1;
    this.#state = new Uint8Array(slots.count);
    this.#sentNs = new Float64Array(slots.count);
    this.#host = new Uint32Array(slots.count);
    this.#number = new Float64Array(slots.count);
    this.#userRttNs = new Float64Array(slots.count);
    this.#sequence = new Uint32Array(slots.count);
    this.#tail = firstSequence;
    this.#next = firstSequence;
  }

  get next(): number {
    return this.#next;
  }

  get oldest(): number {
    return this.#tail;
  }

  /** No slot left: the oldest probe must be answered or lost first. A quarter is kept for late answers. */
  get isFull(): boolean {
    return this.#next - this.#tail >= (this.#mask + 1) * 0.75;
  }

  /** Takes the next number for a probe to a host, and arms its slot. */
  depart(host: number, number: number, nowNs: number): number {
    const sequence = this.#next++ >>> 0;
    const at = sequence & this.#mask;
    this.#state[at] = waiting;
    this.#sentNs[at] = nowNs;
    this.#host[at] = host;
    this.#number[at] = number;
    this.#userRttNs[at] = Number.NaN;
    this.#sequence[at] = sequence;
    this.outstanding++;
    this.#slots.arm(sequence, host);
    return sequence;
  }

  /** Nearer to the system call than {@link depart} knew. */
  stamp(sequence: number, nowNs: number): void {
    this.#sentNs[sequence & this.#mask] = nowNs;
  }

  sentNs(sequence: number): number {
    return this.#sentNs[sequence & this.#mask];
  }

  host(sequence: number): number {
    return this.#host[sequence & this.#mask];
  }

  /** 1… among the probes of its host. */
  number(sequence: number): number {
    return this.#number[sequence & this.#mask];
  }

  isWaiting(sequence: number): boolean {
    return this.#is(sequence, waiting);
  }

  isLost(sequence: number): boolean {
    return this.#is(sequence, lost);
  }

  #is(sequence: number, state: number): boolean {
    const at = sequence & this.#mask;
    return this.#state[at] === state && this.#sequence[at] === sequence;
  }

  /** On its way, or given up, and its slot not yet another probe's. */
  isKnown(sequence: number): boolean {
    return this.#sequence[sequence & this.#mask] === sequence && !this.#is(sequence, unused);
  }

  /** What a process saw, once; false when that is known, or no such probe is on its way. */
  seenByUser(sequence: number, nowNs: number): boolean {
    const at = sequence & this.#mask;
    if (this.#sequence[at] !== sequence || this.#state[at] === unused) return false;
    if (!Number.isNaN(this.#userRttNs[at])) return false;
    this.#userRttNs[at] = nowNs - this.#sentNs[at];
    return true;
  }

  userRttNs(sequence: number): number {
    return this.#userRttNs[sequence & this.#mask];
  }

  land(sequence: number): void {
    this.#settle(sequence, answered);
  }

  lose(sequence: number): void {
    this.#settle(sequence, lost);
  }

  #settle(sequence: number, state: number): void {
    const at = sequence & this.#mask;
    if (this.#state[at] === waiting) this.outstanding--;
    this.#state[at] = state;
  }

  /** By host: lost, but not handed out yet because an older one still waits. */
  unretiredLosses(hosts: number): Float64Array {
    const counts = new Float64Array(hosts);
    for (let sequence = this.#tail; sequence < this.#next; sequence++) {
      const at = (sequence >>> 0) & this.#mask;
      if (this.#state[at] === lost) counts[this.#host[at]]++;
    }
    return counts;
  }

  /** Hands out the probes whose fate is final, in the order in which they were sent. */
  retire(
    isOverdue: (sequence: number) => boolean,
    take: (sequence: number, wasLost: boolean) => void,
  ): void {
    while (this.#tail < this.#next) {
      const sequence = this.#tail >>> 0;
      const at = sequence & this.#mask;
      if (this.#state[at] === waiting && !isOverdue(sequence)) return;
      if (this.#state[at] === unused) return;
      take(sequence, this.#state[at] === lost);
      this.#tail++;
    }
  }
}
