/**
 * The log-linear histogram that komon's kernel programs fill: 16 linear buckets per octave,
 * so that a bucket is at most 1/16 (6.25 %) as wide as its lower bound. Values below 16 are exact;
 * 2^40 ns (18 minutes) and above share the last bucket. The layout is that of HdrHistogram
 * (G. Tene) with 4 bits of resolution.
 */
export const histogramBuckets = (39 - 3) * 16 + 16;

const limit = 2 ** 40;

/** The bucket of a value: fractions count as their floor, negative values as 0. */
export function bucketOf(value: number): number {
  if (value >= limit) return histogramBuckets - 1;
  if (value < 16) return value > 0 ? Math.floor(value) : 0;
  const high = Math.floor(value / 0x1_0000_0000);
  const octave = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value);
  return (octave - 3) * 16 + (Math.floor(value / 2 ** (octave - 4)) & 15);
}

/** The smallest whole value that falls into the bucket. */
export function bucketLower(bucket: number): number {
  if (bucket < 16) return bucket;
  return (16 + (bucket & 15)) * 2 ** ((bucket >> 4) - 1);
}

/** The first value above the bucket; Infinity for the last one. */
export function bucketUpper(bucket: number): number {
  return bucket >= histogramBuckets - 1 ? Number.POSITIVE_INFINITY : bucketLower(bucket + 1);
}

/** The middle of a bucket's whole values; the lower bound of the open last one. */
export function bucketMiddle(bucket: number): number {
  return within(bucket, 0.5).value;
}

/** A value from buckets, and the interval [lower, upper] in which the exact one lies. */
export interface Bounded {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

export class Histogram {
  /** Packets per bucket; whole numbers up to 2^53. */
  readonly counts = new Float64Array(histogramBuckets);

  get count(): number {
    let count = 0;
    for (const bucket of this.counts) count += bucket;
    return count;
  }

  add(value: number, times = 1): void {
    this.counts[bucketOf(value)] += times;
  }

  addAll(values: ArrayLike<number>): void {
    for (let row = 0; row < values.length; row++) this.counts[bucketOf(values[row])]++;
  }

  /** Adds counts of the same layout, such as the ones of one CPU as the kernel holds them. */
  merge(counts: ArrayLike<number> | BigUint64Array): void {
    if (counts.length !== histogramBuckets) {
      throw new RangeError(`a histogram has ${histogramBuckets} buckets, not ${counts.length}`);
    }
    for (let bucket = 0; bucket < histogramBuckets; bucket++) {
      this.counts[bucket] += Number(counts[bucket]);
    }
  }

  /** What was added since `earlier`: a copy that holds the difference. */
  since(earlier: Histogram): Histogram {
    const difference = new Histogram();
    for (let bucket = 0; bucket < histogramBuckets; bucket++) {
      difference.counts[bucket] = this.counts[bucket] - earlier.counts[bucket];
    }
    return difference;
  }

  copy(): Histogram {
    const copy = new Histogram();
    copy.counts.set(this.counts);
    return copy;
  }

  /**
   * The nearest-rank quantile `q` (0…1), placed inside its bucket by the rank's share of it.
   * The exact quantile of whole values lies within `lower` and `upper`. NaN when empty.
   */
  quantile(q: number): Bounded {
    const count = this.count;
    if (count === 0) return { value: Number.NaN, lower: Number.NaN, upper: Number.NaN };
    let rank = nearestRank(q, count);
    let bucket = 0;
    while (rank > this.counts[bucket]) rank -= this.counts[bucket++];
    return within(bucket, (rank - 0.5) / this.counts[bucket]);
  }

  /** The mean if every value lay in the middle of its bucket, and the bounds it cannot leave. */
  mean(): Bounded {
    let middle = 0;
    let lower = 0;
    let upper = 0;
    let count = 0;
    for (let bucket = 0; bucket < histogramBuckets; bucket++) {
      const times = this.counts[bucket];
      if (times === 0) continue;
      const at = within(bucket, 0.5);
      middle += times * at.value;
      lower += times * at.lower;
      upper += times * at.upper;
      count += times;
    }
    return { value: middle / count, lower: lower / count, upper: upper / count };
  }

  /** How many values are certainly at or below `value`, and how many may be. */
  atMost(value: number): { readonly least: number; readonly most: number } {
    let least = 0;
    let most = 0;
    for (let bucket = 0; bucket < histogramBuckets; bucket++) {
      if (bucketLower(bucket) <= value) most += this.counts[bucket];
      if (bucketUpper(bucket) - 1 <= value) least += this.counts[bucket];
    }
    return { least, most };
  }

  /** The bound of the highest bucket in use (inclusive); 0 when empty. */
  max(): number {
    const bucket = this.counts.findLastIndex((times) => times > 0);
    return bucket < 0 ? 0 : bucketUpper(bucket) - 1;
  }
}

/**
 * The rank, 1…count, of the nearest-rank quantile: ceil(q · count). `q` is taken to a millionth,
 * because the product of two floats may land a hair above a whole number.
 */
export function nearestRank(q: number, count: number): number {
  const rank = Math.ceil((Math.round(q * 1e6) * count) / 1e6);
  return Math.min(count, Math.max(1, rank));
}

/** Whole values of a bucket: [lower, upper - 1]; the last one is open and stands at its lower bound. */
function within(bucket: number, share: number): Bounded {
  const lower = bucketLower(bucket);
  const upper = bucketUpper(bucket) - 1;
  const value = upper === Number.POSITIVE_INFINITY ? lower : lower + share * (upper - lower);
  return { value, lower, upper };
}
