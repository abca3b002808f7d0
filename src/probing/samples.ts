import type { Summary } from "../model/result.ts";
import { Histogram } from "../stats/histogram.ts";
import { summaryOfHistogram, summaryOfSorted } from "../stats/summary.ts";

/**
 * Times of one host: as they are up to a limit, then in a histogram (percentiles to 3 %), so that a
 * long run needs no more memory than a short one. Mean, deviation, least and most are always exact.
 */
export class Samples {
  count = 0;
  #sum = 0;
  #shift = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #exact: Float64Array | undefined = new Float64Array(16);
  #histogram: Histogram | undefined;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get minNs(): number {
    return this.#min;
  }

  add(ns: number): void {
    if (this.count === 0) this.#shift = ns; // keeps the squares small, and so exact
    const moved = ns - this.#shift;
    this.#sum += moved;
    this.#squares += moved * moved;
    if (ns < this.#min) this.#min = ns;
    if (ns > this.#max) this.#max = ns;
    if (this.#exact === undefined) this.#histogram?.add(ns);
    else this.#keep(this.#exact, ns);
    this.count++;
  }

  #keep(exact: Float64Array, ns: number): void {
    if (this.count < exact.length) {
      exact[this.count] = ns;
    } else if (this.count < this.#limit) {
      const grown = new Float64Array(Math.min(this.#limit, exact.length * 2));
      grown.set(exact);
      grown[this.count] = ns;
      this.#exact = grown;
    } else {
      this.#histogram = new Histogram();
      this.#histogram.addAll(exact);
      this.#histogram.add(ns);
      this.#exact = undefined;
    }
  }

  summary(): Summary {
    if (this.#exact) return summaryOfSorted(this.#exact.slice(0, this.count).sort());
    const mean = this.#shift + this.#sum / this.count;
    const variance = (this.#squares - (this.#sum * this.#sum) / this.count) / (this.count - 1);
    const result = summaryOfHistogram(this.#histogram ?? new Histogram(), {
      sumNs: mean * this.count,
      minNs: this.#min,
      maxNs: this.#max,
    });
    return { ...result, sd_ns: Math.sqrt(Math.max(0, variance)) };
  }
}
