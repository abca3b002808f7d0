import { Random } from "../stats/random.ts";

export const arrivalKinds = ["constant", "poisson", "burst"] as const;
export type ArrivalKind = (typeof arrivalKinds)[number];

/**
 * When each packet is due, in ns after the start: an absolute schedule, so that a late packet makes no
 * later one late. Nothing is allocated per packet.
 */
export class Arrivals {
  readonly #kind: ArrivalKind;
  readonly #gapNs: number;
  readonly #burst: number;
  readonly #random: Random;
  #packet = 0;
  #dueNs = 0;

  /** `burst`: packets that are due at once, with kind "burst"; the mean rate is `pps` all the same. */
  constructor(kind: ArrivalKind, pps: number, burst: number, seed: number) {
    this.#kind = kind;
    this.#gapNs = 1e9 / pps;
    this.#burst = burst;
    this.#random = new Random(seed);
  }

  /** The next packet's due time. The first of a constant or burst schedule is due at 0. */
  next(): number {
    const packet = this.#packet++;
    switch (this.#kind) {
      case "constant":
        return packet * this.#gapNs; // a product, not a sum: rounding does not add up
      case "burst":
        return (packet - (packet % this.#burst)) * this.#gapNs;
      case "poisson":
        this.#dueNs += this.#random.exponential(this.#gapNs);
        return this.#dueNs;
    }
  }
}
