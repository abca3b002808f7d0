import { CLOCK_MONOTONIC } from "../kernel/clock.ts";
import {
  lastErrno,
  libc,
  monotonicNs,
  type Pointer,
  sleepUntilNs,
  stableMemory,
} from "../kernel/libc.ts";
import { bucketOf, histogramBuckets } from "../stats/histogram.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Control } from "./control.ts";
import type { Payload } from "./payload.ts";

/** What the loop works with. */
export interface GeneratorParts {
  /** Connected sockets, one per flow, taken in turn. */
  readonly fds: Int32Array;
  readonly arrivals: Arrivals;
  readonly payload: Payload;
  readonly payloadBytes: number;
  /** Packets to send at most. */
  readonly count: number;
  /** Packets due from this time after the start on are not sent. */
  readonly durationNs: number;
  readonly control: Control;
}

/** A sleep ends this much before a packet is due, and the rest is spun: sleeps end up to 60 µs late. */
const SPIN_NS = 80e3;
/** The longest sleep, so that a stop is noticed. */
const NAP_NS = 50e6;
/** A generator that cannot keep up may send this much longer than asked; then the rest stays unsent. */
const OVERTIME_NS = 100e6;

/**
 * Sends packets by an absolute schedule: it waits for a packet's due time by sleeping and then
 * spinning, and sends at once what is overdue, back to back and in order, until it has caught up.
 * Nothing is skipped and nothing is allocated per packet.
 */
export class Generator {
  sent = 0;
  refused = 0;
  /** Failed send calls by errno. */
  readonly errors = new Uint32Array(256);
  /** How late the packets left, after their due times: buckets of the common histogram. */
  readonly lateness = new Float64Array(histogramBuckets);
  latestNs = 0;
  firstNs = 0;
  lastNs = 0;
  /** Due times of the first packet, of the last one, and of the one that would have followed. */
  firstDueNs = 0;
  lastDueNs = 0;
  nextDueNs = 0;

  readonly #parts: GeneratorParts;
  readonly #clock = stableMemory(16);

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
  }

  get attempted(): number {
    return this.sent + this.refused;
  }

  /** Sends all that is due, beginning now. */
  run(): void {
    const { fds, arrivals, payload, payloadBytes, count, durationNs, control } = this.#parts;
    const { sendto, clock_gettime } = libc;
    const clock = this.#clock.address;
    const time = new Uint32Array(this.#clock.buffer); // seconds at 0, nanoseconds at 2
    const none = 0 as Pointer;
    const address = payload.address;
    const flows = fds.length;
    const lateness = this.lateness;
    const startNs = monotonicNs();
    const endNs = startNs + durationNs + OVERTIME_NS;
    let flow = 0;
    let packet = 0;
    let dueNs = arrivals.next();
    this.firstDueNs = dueNs;

    while (packet < count && dueNs < durationNs && !control.stopping) {
      const targetNs = startNs + dueNs;
      clock_gettime(CLOCK_MONOTONIC, clock);
      let now = time[0] * 1e9 + time[2];
      if (targetNs - now > SPIN_NS && !this.#sleepUntil(targetNs - SPIN_NS)) break;
      while (now < targetNs) {
        clock_gettime(CLOCK_MONOTONIC, clock);
        now = time[0] * 1e9 + time[2];
      }
      if (now > endNs) break;

      payload.stamp(now);
      const result = sendto(fds[flow], address, payloadBytes, 0, none, 0);
      if (result < 0) this.#refuse();
      else this.sent++;

      if (packet === 0) this.firstNs = now;
      this.lastNs = now;
      this.lastDueNs = dueNs;
      const late = now - targetNs;
      lateness[bucketOf(late)]++;
      if (late > this.latestNs) this.latestNs = late;
      if (++flow === flows) flow = 0;
      packet++;
      dueNs = arrivals.next();
    }
    this.nextDueNs = dueNs;
  }

  #refuse(): void {
    this.refused++;
    this.errors[lastErrno() & 255]++;
  }

  /** False when the main thread said stop meanwhile. */
  #sleepUntil(ns: number): boolean {
    for (let now = monotonicNs(); now < ns; now = monotonicNs()) {
      if (this.#parts.control.stopping) return false;
      sleepUntilNs(Math.min(ns, now + NAP_NS));
    }
    return !this.#parts.control.stopping;
  }
}
