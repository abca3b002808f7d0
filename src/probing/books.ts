import { monotonicNs } from "../kernel/libc.ts";
import type { ActiveProbe, Answer } from "../probes/active/probe.ts";
import type { Failures } from "./failures.ts";
import type { Flight } from "./flight.ts";
import type { NamedHost } from "./hosts.ts";
import type { Listener } from "./listener.ts";
import type { BackOff } from "./pace.ts";
import { Tally } from "./tally.ts";
import type { UserSide } from "./userSide.ts";

/** An answer that the hook has seen reaches a waiting socket within this. */
const userGraceNs = 200e3;

/** What the books are kept of. */
export interface BookParts {
  readonly hosts: readonly NamedHost[];
  readonly timeoutNs: number;
  readonly probe: ActiveProbe;
  readonly flight: Flight;
  readonly tally: Tally;
  readonly backOff: BackOff;
  readonly failures: Failures;
  readonly user: UserSide | undefined;
  readonly listener: Listener;
}

/** The books of a session: answers and losses as they come in, each to its probe, then to its host. */
export class Books {
  readonly #parts: BookParts;
  #nowNs = 0;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Takes all that has come in, and gives up what is overdue. */
  collect(): void {
    const { probe, user, flight, failures } = this.#parts;
    this.#nowNs = monotonicNs();
    // The user's side first: what a process would see includes nothing of our own book-keeping.
    user?.read(this.#userAnswer);
    probe.read(this.#answer);
    failures.drain();
    flight.retire(this.#isOverdue, this.#retire);
  }

  readonly #answer = (answer: Answer): void => {
    const { hosts, flight, tally, timeoutNs, listener } = this.#parts;
    const { sequence, target: host } = answer;
    if (host >= hosts.length || flight.host(sequence) !== host) return;
    const number = flight.number(sequence);
    const rttNs = rttOf(answer.txNs, answer.rxNs);
    if (answer.isCopy) {
      tally.duplicates[host]++;
      listener.duplicate?.(host, number, rttNs);
    } else if (flight.isLost(sequence) || rttNs > timeoutNs) {
      if (flight.isWaiting(sequence)) this.#lose(sequence);
      tally.late[host]++;
      listener.late?.(host, number, rttNs);
    } else if (flight.isWaiting(sequence)) {
      flight.land(sequence);
      this.#inTime(host, number, rttNs, answer);
    } // else it was taken from its slot a moment ago
  };

  #inTime(host: number, number: number, rttNs: number, answer: Answer): void {
    const { flight, tally, listener, user } = this.#parts;
    const { sequence } = answer;
    tally.answer(host, number, rttNs, answer.ttl);
    tally.answers[host * Tally.kinds + answer.kind]++;
    if (answer.isReflected) this.#splitWay(host, answer);
    if (user && Number.isNaN(flight.userRttNs(sequence))) {
      user.wait(userGraceNs);
      user.read(this.#userAnswer);
    }
    listener.reply?.(host, number, rttNs, flight.userRttNs(sequence), answer);
  }

  readonly #userAnswer = (sequence: number, nowNs: number): void => {
    const { flight, tally } = this.#parts;
    if (!flight.seenByUser(sequence, nowNs)) return;
    tally.userRtt[flight.host(sequence)].add(flight.userRttNs(sequence));
  };

  /** Forward and backward mean something when the clocks agree; the turn-around always does. */
  #splitWay(host: number, answer: Answer): void {
    const { tally } = this.#parts;
    tally.turnaround[host].add(answer.farSendNs - answer.farReceiveNs);
    tally.forward[host].add(answer.farReceiveNs - answer.txNs);
    tally.backward[host].add(answer.rxNs - answer.farSendNs);
  }

  #lose(sequence: number): void {
    const { flight, listener } = this.#parts;
    flight.lose(sequence);
    listener.lost?.(flight.host(sequence), flight.number(sequence));
  }

  readonly #isOverdue = (sequence: number): boolean => {
    const { flight, timeoutNs, tally, probe } = this.#parts;
    if (this.#nowNs - flight.sentNs(sequence) <= timeoutNs) return false;
    const { slots } = probe;
    const rxNs = slots.rxNs(sequence);
    const txNs = slots.txNs(sequence);
    // The log was full: the slot has the stamps, too.
    const leftNs = txNs || flight.sentNs(sequence);
    if (rxNs > 0 && rxNs - leftNs <= timeoutNs) {
      flight.land(sequence);
      const host = flight.host(sequence);
      const number = flight.number(sequence);
      tally.answer(host, number, rttOf(txNs, rxNs), slots.ttl(sequence));
    } else this.#lose(sequence);
    return true;
  };

  readonly #retire = (sequence: number, wasLost: boolean): void => {
    const { flight, tally, backOff } = this.#parts;
    const host = flight.host(sequence);
    tally.retire(host, flight.sentNs(sequence), wasLost);
    if (tally.received[host] > 0) backOff.note(wasLost);
  };
}

/** NaN when the probe left without a stamp, or when the clocks of two CPUs disagree: no time runs backwards. */
export function rttOf(txNs: number, rxNs: number): number {
  return txNs > 0 && rxNs >= txNs ? rxNs - txNs : Number.NaN;
}
