import type { Summary } from "../model/result.ts";
import { Histogram, histogramBuckets } from "../stats/histogram.ts";
import { summaryOfHistogram, summaryOfSorted } from "../stats/summary.ts";

/** Values that are kept as they are, in all series together; each of many hosts has room for its histogram's. */
const keptInAll = 1 << 16;

/** How many of each of so many series. */
export function keptOf(series: number): number {
  return Math.max(histogramBuckets, Math.floor(keptInAll / series));
}

/**
 * Times of one host: as they are up to a limit, then in a histogram (percentiles within a bucket, 6.25 %). The memory
 * for them is taken with the first one, and a histogram takes no more, so that a long run needs no more than a short
 * one. Mean, deviation, least and most are always exact.
 */
export class Samples {
  count = 0;
  #sum = 0;
  #shift = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #exact: Float64Array | undefined;
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
    if (this.#histogram) this.#histogram.add(ns);
    else this.#keep(ns);
    this.count++;
  }

  #keep(ns: number): void {
    this.#exact ??= new Float64Array(this.#limit);
    if (this.count < this.#limit) {
      this.#exact[this.count] = ns;
      return;
    }
    this.#histogram = new Histogram();
    this.#histogram.addAll(this.#exact);
    this.#histogram.add(ns);
    this.#exact = undefined;
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
