/**
 * The books of a session: answers, losses and errors as they come in, each to its probe, then to its host.
 */
import { AF_INET, type SocketAddress } from "../kernel/address.ts";
import { komonAnswerKind } from "../kernel/generated/probe.ts";
import { monotonicNs } from "../kernel/libc.ts";
import type { ActiveProbe, Answer } from "../probes/active/probe.ts";
import { addressText, type ErrorQueue, type SendError } from "./errorQueue.ts";
import type { Flight } from "./flight.ts";
import type { NamedHost } from "./hosts.ts";
import { icmpMeaning, sendMeaning } from "./meanings.ts";
import type { BackOff } from "./pace.ts";
import { Tally } from "./tally.ts";
import type { UserSide } from "./userSide.ts";
import { headBytes, headOffset, type WireOptions } from "./wire.ts";

/** What happens while it runs, as plain numbers. All of it is optional. */
export interface Listener {
  reply?(host: number, number: number, rttNs: number, userRttNs: number, answer: Answer): void;
  late?(host: number, number: number, rttNs: number): void;
  duplicate?(host: number, number: number, rttNs: number): void;
  lost?(host: number, number: number): void;
  error?(host: number, number: number, meaning: string, from: string): void;
  /** Now and then, at most every 50 ms. */
  tick?(nowNs: number): void;
}

/** An answer that the hook has seen reaches a waiting socket within this. */
const userGraceNs = 200e3;

/** What the books are kept of. */
export interface BookParts {
  readonly hosts: readonly NamedHost[];
  readonly timeoutNs: number;
  readonly wire: WireOptions;
  readonly probe: ActiveProbe;
  readonly flight: Flight;
  readonly tally: Tally;
  readonly backOff: BackOff;
  readonly errorQueues: readonly ErrorQueue[];
  readonly user: UserSide | undefined;
}

export class Books {
  listener: Listener = {};
  readonly #parts: BookParts;
  readonly #hostOfAddress = new Map<string, number>();
  #nowNs = 0;

  constructor(parts: BookParts) {
    this.#parts = parts;
    for (const [host, { address }] of parts.hosts.entries()) {
      this.#hostOfAddress.set(bytesText(address), host);
    }
  }

  /** Takes all that has come in, and gives up what is overdue. */
  collect(): void {
    const { probe, user, flight } = this.#parts;
    this.#nowNs = monotonicNs();
    // The user's side first: what a process would see includes nothing of our own book-keeping.
    user?.read(this.#userAnswer);
    probe.read(this.#answer);
    this.drainErrors();
    flight.retire(this.#isOverdue, this.#retire);
  }

  /** A probe that the kernel did not send. */
  refused(sequence: number, errno: number): void {
    const { flight, tally } = this.#parts;
    const host = flight.host(sequence);
    const meaning = sendMeaning(errno);
    tally.error(host, meaning);
    this.#lose(sequence, true);
    this.listener.error?.(host, flight.number(sequence), meaning, "");
  }

  drainErrors(): void {
    for (const queue of this.#parts.errorQueues) queue.drain(this.#sendError);
  }

  readonly #answer = (answer: Answer): void => {
    const { sequence, target: host } = answer;
    const flight = this.#parts.flight;
    if (host >= this.#parts.hosts.length || flight.host(sequence) !== host) return;
    const number = flight.number(sequence);
    const rttNs = answer.txNs > 0 ? answer.rxNs - answer.txNs : Number.NaN;
    if (answer.isCopy) {
      this.#parts.tally.duplicates[host]++;
      this.listener.duplicate?.(host, number, rttNs);
      return;
    }
    if (flight.isLost(sequence) || rttNs > this.#parts.timeoutNs) {
      if (flight.isWaiting(sequence)) this.#lose(sequence);
      this.#parts.tally.late[host]++;
      this.listener.late?.(host, number, rttNs);
      return;
    }
    if (!flight.isWaiting(sequence)) return; // taken from its slot a moment ago
    flight.land(sequence);
    if (answer.kind === komonAnswerKind.KOMON_ANSWER_UNREACHABLE) {
      const version = this.#parts.hosts[host].address.family === AF_INET ? 4 : 6;
      const portCode = version === 4 ? 3 : 4;
      if (answer.code !== portCode) {
        this.#parts.tally.error(host, icmpMeaning(version, version === 4 ? 3 : 1, answer.code));
      }
    }
    this.#parts.tally.answer(host, number, rttNs, answer.ttl);
    this.#parts.tally.answers[host * Tally.kinds + answer.kind]++;
    if (answer.isReflected) this.#splitWay(host, answer);
    if (this.#parts.user && Number.isNaN(flight.userRttNs(sequence))) {
      this.#parts.user.wait(userGraceNs);
      this.#parts.user.read(this.#userAnswer);
    }
    this.listener.reply?.(host, number, rttNs, flight.userRttNs(sequence), answer);
  };

  readonly #userAnswer = (sequence: number, nowNs: number): void => {
    if (!this.#parts.flight.seenByUser(sequence, nowNs)) return;
    this.#parts.tally.userRtt[this.#parts.flight.host(sequence)].add(
      this.#parts.flight.userRttNs(sequence),
    );
  };

  /** Forward and backward mean something when the clocks agree; the turn-around always does. */
  #splitWay(host: number, answer: Answer): void {
    this.#parts.tally.turnaround[host].add(answer.farSendNs - answer.farReceiveNs);
    this.#parts.tally.forward[host].add(answer.farReceiveNs - answer.txNs);
    this.#parts.tally.backward[host].add(answer.rxNs - answer.farSendNs);
  }

  #lose(sequence: number, isExplained = false): void {
    this.#parts.flight.lose(sequence);
    if (isExplained) return;
    this.listener.lost?.(this.#parts.flight.host(sequence), this.#parts.flight.number(sequence));
  }

  readonly #isOverdue = (sequence: number): boolean => {
    if (this.#nowNs - this.#parts.flight.sentNs(sequence) <= this.#parts.timeoutNs) return false;
    const { slots } = this.#parts.probe;
    const rxNs = slots.rxNs(sequence);
    const txNs = slots.txNs(sequence);
    // The ring was full: the slot has the stamps, too.
    const leftNs = txNs || this.#parts.flight.sentNs(sequence);
    if (rxNs > 0 && rxNs - leftNs <= this.#parts.timeoutNs) {
      this.#parts.flight.land(sequence);
      const rttNs = txNs > 0 ? rxNs - txNs : Number.NaN;
      const host = this.#parts.flight.host(sequence);
      this.#parts.tally.answer(
        host,
        this.#parts.flight.number(sequence),
        rttNs,
        slots.ttl(sequence),
      );
    } else this.#lose(sequence);
    return true;
  };

  readonly #retire = (sequence: number, wasLost: boolean): void => {
    const host = this.#parts.flight.host(sequence);
    this.#parts.tally.retire(host, this.#parts.flight.sentNs(sequence), wasLost);
    if (this.#parts.tally.received[host] > 0) this.#parts.backOff.note(wasLost);
  };

  readonly #sendError = (error: SendError): void => {
    const host = this.#hostOfAddress.get(error.destination);
    if (host === undefined) return;
    const sequence = this.#quotedSequence(error);
    if (sequence === undefined) return;
    const isOurs = sequence >= 0 && this.#parts.flight.isKnown(sequence);
    const { kind } = this.#parts.wire;
    if (kind === "udp" && /port unreachable/.test(error.meaning)) return; // that is the answer
    const who = isOurs ? this.#parts.flight.host(sequence) : host;
    this.#parts.tally.error(who, error.meaning);
    if (isOurs && this.#parts.flight.isWaiting(sequence)) this.#lose(sequence, true);
    const number = isOurs ? this.#parts.flight.number(sequence) : Number.NaN;
    this.listener.error?.(who, number, error.meaning, error.from);
  };

  /** −1: ours, but too little of it is quoted to say which; undefined: not ours. */
  #quotedSequence({ quoted, quotedBytes }: SendError): number | undefined {
    const { kind, identifier, cookie, isnBase } = this.#parts.wire;
    if (quotedBytes < 8) return -1;
    if (kind === "tcp") {
      if (quoted.getUint16(0) !== identifier) return undefined;
      return (quoted.getUint32(4) - isnBase) >>> 0;
    }
    if (kind === "icmp" && quoted.getUint16(4) !== identifier) return undefined;
    // A UDP socket's queue holds its own packets, from the payload on.
    const at = (kind === "icmp" ? 8 : 0) + headOffset(this.#parts.wire);
    if (quotedBytes < at + headBytes) return -1;
    return quoted.getBigUint64(at, true) === cookie ? quoted.getUint32(at + 8, true) : undefined;
  }
}

/** An address as the error queue names it. */
function bytesText({ family, bytes }: SocketAddress): string {
  return addressText(family === AF_INET ? bytes.subarray(4, 8) : bytes.subarray(8, 24));
}
