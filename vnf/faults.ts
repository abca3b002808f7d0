import { Random } from "../src/stats/random.ts";

/** What can go wrong on purpose; chances between 0 and 1. */
export interface FaultChances {
  readonly drop: number;
  readonly reorder: number;
  readonly duplicate: number;
}

export const Fate = { none: 0, drop: 1, reorder: 2, duplicate: 4 } as const;

/**
 * Decides each packet's fate by its own seeded dice: neither the payload nor the service times take
 * part, so the same seed gives the same faults with any traffic, and faults change no service time.
 */
export class Faults {
  readonly #random: Random;
  readonly #drop: number;
  readonly #reorder: number;
  readonly #duplicate: number;
  readonly #none: boolean;

  constructor({ drop, reorder, duplicate }: FaultChances, seed: number) {
    this.#random = new Random(seed);
    this.#drop = drop;
    this.#reorder = reorder;
    this.#duplicate = duplicate;
    this.#none = drop === 0 && reorder === 0 && duplicate === 0;
  }

  /** Bits of {@link Fate}. Always three dice, so that one chance does not shift the others. */
  draw(): number {
    if (this.#none) return Fate.none;
    const drop = this.#random.next() < this.#drop;
    const reorder = this.#random.next() < this.#reorder;
    const duplicate = this.#random.next() < this.#duplicate;
    if (drop) return Fate.drop;
    return (reorder ? Fate.reorder : 0) | (duplicate ? Fate.duplicate : 0);
  }
}
