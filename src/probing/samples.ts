import type { Summary } from "../model/result.ts";
import { Histogram, histogramBuckets, nearestRank } from "../stats/histogram.ts";
import { quantileSorted, sorted, summaryOfSorted } from "../stats/summary.ts";

/** Values that are kept as they are, in all series together; each of many hosts has room for its histogram's. */
const keptInAll = 1 << 16;

/** How many of each of so many series. */
export function keptOf(series: number): number {
  return Math.max(histogramBuckets, Math.floor(keptInAll / series));
}

/**
 * Times of one host, or other values: as they are up to a limit, then in a histogram of their distances from the least
 * so far, so that percentiles are within a bucket (6.25 %) of that distance, also where a clock that is off makes all
 * values large or negative. The memory is taken with the first value, and a histogram takes no more, so that a long run
 * needs no more than a short one. Mean, deviation, least and most are always exact.
 */
export class Samples {
  count = 0;
  #sum = 0;
  #shift = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #exact: Float64Array | undefined;
  #base = 0;
  #above: Histogram | undefined;
  #below: Histogram | undefined;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: number): void {
    if (this.count === 0) this.#shift = value; // keeps the squares small, and so exact
    const moved = value - this.#shift;
    this.#sum += moved;
    this.#squares += moved * moved;
    if (this.#above) this.#sort(this.#above, value);
    else this.#keep(value);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.count++;
  }

  #keep(value: number): void {
    this.#exact ??= new Float64Array(this.#limit);
    if (this.count < this.#limit) {
      this.#exact[this.count] = value;
      return;
    }
    this.#base = this.#min;
    this.#above = new Histogram();
    for (const one of this.#exact) this.#sort(this.#above, one);
    this.#sort(this.#above, value);
    this.#exact = undefined;
  }

  #sort(above: Histogram, value: number): void {
    if (value >= this.#base) {
      above.add(value - this.#base);
      return;
    }
    this.#below ??= new Histogram();
    this.#below.add(this.#base - value);
  }

  /** By nearest rank; NaN when empty. */
  quantile(q: number): number {
    if (!this.#above) return quantileSorted(this.#sorted(), q);
    const rank = nearestRank(q, this.count);
    const under = this.#below?.count ?? 0;
    const value =
      this.#below && rank <= under
        ? this.#base - this.#below.quantile((under - rank + 1) / under).value
        : this.#base + this.#above.quantile((rank - under) / (this.count - under)).value;
    return Math.min(this.#max, Math.max(this.#min, value));
  }

  summary(): Summary {
    if (!this.#above) return summaryOfSorted(this.#sorted());
    const variance = (this.#squares - (this.#sum * this.#sum) / this.count) / (this.count - 1);
    return {
      count: this.count,
      mean_ns: this.#shift + this.#sum / this.count,
      sd_ns: Math.sqrt(Math.max(0, variance)),
      min_ns: this.#min,
      p50_ns: this.quantile(0.5),
      p90_ns: this.quantile(0.9),
      p99_ns: this.quantile(0.99),
      p999_ns: this.quantile(0.999),
      max_ns: this.#max,
    };
  }

  #sorted(): Float64Array {
    return sorted(this.#exact?.subarray(0, this.count) ?? []);
  }
}
