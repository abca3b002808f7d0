import { AF_INET, type SocketAddress } from "../kernel/address.ts";
import { addressText, type ErrorQueue, type SendError } from "./errorQueue.ts";
import type { Flight } from "./flight.ts";
import type { NamedHost } from "./hosts.ts";
import type { Listener } from "./listener.ts";
import { sendMeaning } from "./meanings.ts";
import type { Tally } from "./tally.ts";
import { headBytes, headOffset, type WireOptions } from "./wire.ts";

export interface FailureParts {
  readonly hosts: readonly NamedHost[];
  readonly wire: WireOptions;
  readonly flight: Flight;
  readonly tally: Tally;
  readonly errorQueues: readonly ErrorQueue[];
  readonly listener: Listener;
}

/** What went wrong with a probe, and which one it was: sends that the kernel refused, ICMP errors that came back. */
export class Failures {
  readonly #parts: FailureParts;
  readonly #hostOfAddress = new Map<string, number>();

  constructor(parts: FailureParts) {
    this.#parts = parts;
    for (const [host, { address }] of parts.hosts.entries()) {
      this.#hostOfAddress.set(bytesText(address), host);
    }
  }

  /** A probe that the kernel did not send. */
  refused(sequence: number, errno: number): void {
    const { flight, tally, listener } = this.#parts;
    const host = flight.host(sequence);
    const meaning = sendMeaning(errno);
    tally.error(host, meaning);
    flight.lose(sequence);
    listener.error?.(host, flight.number(sequence), meaning, "");
  }

  /** Takes the ICMP errors that have come in. */
  drain(): void {
    const { errorQueues } = this.#parts;
    for (let at = 0; at < errorQueues.length; at++) errorQueues[at].drain(this.#sendError);
  }

  readonly #sendError = (error: SendError): void => {
    const { flight, tally, wire, listener } = this.#parts;
    const addressee = this.#hostOfAddress.get(error.destination);
    if (addressee === undefined) return;
    const sequence = this.#quotedSequence(error);
    if (sequence === undefined) return;
    const isAnswer = wire.kind === "udp" && error.meaning === "port unreachable";
    if (isAnswer && error.from === error.destination) return; // counted where it came in
    const isKnown = sequence >= 0 && flight.isKnown(sequence);
    const host = isKnown ? flight.host(sequence) : addressee;
    tally.error(host, error.meaning);
    if (isKnown && flight.isWaiting(sequence)) flight.lose(sequence);
    const number = isKnown ? flight.number(sequence) : Number.NaN;
    listener.error?.(host, number, error.meaning, error.from);
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
