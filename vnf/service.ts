import type { Law } from "../src/model/laws.ts";
import { Random } from "../src/stats/random.ts";

/**
 * Draws service times. Nothing is allocated per draw.
 *
 * The normal laws are cut at 0, as in 2019: a negative draw becomes 0. Law 3 (σ = µ) therefore has
 * the mean µ(Φ(1) + φ(1)) = 1.0833µ, see {@link trueMean}; for law 4 (σ = 0.2µ) it is 1.00000005µ.
 */
export class ServiceTimes {
  readonly #random: Random;
  readonly #law: Law;
  readonly #meanNs: number;

  constructor(law: Law, meanNs: number, seed: number) {
    this.#random = new Random(seed);
    this.#law = law;
    this.#meanNs = meanNs;
  }

  /** The next service time: whole nanoseconds, rounded to the nearest, so that no law is biased. */
  draw(): number {
    const mean = this.#meanNs;
    switch (this.#law) {
      case 0:
        return mean;
      case 1:
        return Math.round(this.#random.exponential(mean));
      case 2:
        return Math.round(2 * mean * this.#random.next());
      case 3:
        return Math.max(0, Math.round(mean + mean * this.#random.normal()));
      case 4:
        return Math.max(0, Math.round(mean + 0.2 * mean * this.#random.normal()));
    }
  }
}

/** Mean of `max(0, X)` for X ~ N(µ, µ): µ times Φ(1) + φ(1). */
const cutAtZero = 1.083315470587;

/** The mean of what {@link ServiceTimes} draws, the cut at 0 included. */
export function trueMean(law: Law, meanNs: number): number {
  return law === 3 ? cutAtZero * meanNs : meanNs;
}
