import type { SocketAddress } from "../kernel/address.ts";
import { errnoName, monotonicNs } from "../kernel/libc.ts";
import type { ActiveProbe } from "../probes/active/probe.ts";
import type { Batch } from "./batch.ts";
import type { Failures } from "./failures.ts";
import type { Flight } from "./flight.ts";
import type { PlannedHost } from "./plan.ts";
import type { Schedule } from "./schedule.ts";
import type { Tally } from "./tally.ts";
import type { DeviceWatch } from "./watch.ts";

export interface DepartureParts {
  readonly hosts: readonly PlannedHost[];
  readonly batches: ReadonlyMap<SocketAddress["family"], Batch>;
  readonly probe: ActiveProbe;
  readonly flight: Flight;
  readonly tally: Tally;
  readonly failures: Failures;
  readonly watch: DeviceWatch;
  readonly firstSequence: number;
  readonly maxInFlight: number;
  /** Probes of a host's turn, which leave back to back. */
  readonly burst: number;
  /** A process waits for each answer, so each probe leaves by itself. */
  readonly isUserTimed: boolean;
}

/** Gives each probe its number and its slot, and hands them to the kernel, many with one system call. */
export class Departures {
  /** Turns that came later than the schedule wanted, because too many probes were unanswered. */
  heldBack = 0;
  /** Hosts that still have their device. */
  active: number;
  readonly #parts: DepartureParts;
  readonly #batches: readonly Batch[];
  readonly #batchOf: readonly Batch[];
  readonly #gone: Uint8Array;
  #flushing: Batch | undefined;
  #retried = -1;
  /** The next turn is held back, and counted as such. */
  #isCounted = false;

  constructor(parts: DepartureParts) {
    const { hosts, batches } = parts;
    this.#parts = parts;
    this.#batches = [...batches.values()];
    this.#batchOf = hosts.map(({ address }) => batches.get(address.family) as Batch);
    this.#gone = new Uint8Array(hosts.length);
    this.active = hosts.length;
  }

  /** All whose turn it is. False, and counted, when they must wait because too many probes are unanswered. */
  allDue(schedule: Schedule, nowNs: number): boolean {
    const { flight, maxInFlight } = this.#parts;
    let hasRoom = true;
    while (schedule.isDue(nowNs)) {
      hasRoom = !flight.isFull && flight.outstanding < maxInFlight;
      if (!hasRoom) break;
      this.#turn(schedule.take(), nowNs);
      this.#isCounted = false;
    }
    for (let at = 0; at < this.#batches.length; at++) this.#flush(this.#batches[at]);
    if (!hasRoom && !this.#isCounted) {
      this.heldBack++;
      this.#isCounted = true;
    }
    return hasRoom;
  }

  /** One probe, or a train that one system call sends. */
  #turn(host: number, nowNs: number): void {
    const { burst, isUserTimed } = this.#parts;
    if (this.#gone[host] === 1) return;
    const batch = this.#batchOf[host];
    if (burst > 1) this.#flush(batch);
    for (let n = 0; n < burst; n++) this.#depart(host, batch, nowNs);
    if (isUserTimed && burst === 1) this.#flush(batch);
  }

  /** No more probes to this host. */
  giveUp(host: number): void {
    this.#gone[host] = 1;
    this.active--;
  }

  #depart(host: number, batch: Batch, nowNs: number): void {
    const { tally, flight } = this.#parts;
    const number = ++tally.sent[host];
    batch.add(host, flight.depart(host, number, nowNs), number);
    if (batch.isFull) this.#flush(batch);
  }

  #flush(batch: Batch): void {
    if (batch.count === 0) return;
    const { probe, flight, firstSequence } = this.#parts;
    probe.announce(flight.next, flight.next - firstSequence);
    const now = monotonicNs();
    for (let at = 0; at < batch.count; at++) flight.stamp(batch.sequences[at], now);
    this.#retried = -1;
    this.#flushing = batch;
    batch.flush(this.#refused);
  }

  /** An earlier probe's ICMP error comes back from a later send: it is taken, and the send tried again. */
  readonly #refused = (at: number, errno: number): boolean => {
    const { failures, watch } = this.#parts;
    if (this.#retried !== at) {
      this.#retried = at;
      failures.drain();
      return true;
    }
    failures.refused((this.#flushing as Batch).sequences[at], errno);
    if (/ENODEV|ENXIO|ENETUNREACH|ENETDOWN/.test(errnoName(errno))) watch.hurry();
    return false;
  };
}
