import { nearestRank } from "./histogram.ts";
import type { Interval } from "./interval.ts";
import { Random } from "./random.ts";
import { median, quantileSorted, sorted } from "./summary.ts";

export interface BootstrapOptions {
  readonly resamples?: number;
  /** Confidence level, default 0.95. */
  readonly level?: number;
  readonly seed?: number;
}

/**
 * Percentile bootstrap of any statistic (Efron and Tibshirani, "An Introduction to the Bootstrap",
 * 1993, ch. 13): for small samples, such as one figure per run. Values must be independent.
 */
export function bootstrap(
  values: ArrayLike<number>,
  statistic: (values: Float64Array) => number,
  options: BootstrapOptions = {},
): Interval {
  const random = new Random(options.seed ?? 1);
  const sample = Float64Array.from(values);
  const drawn = new Float64Array(values.length);
  const estimates = new Float64Array(options.resamples ?? 2000);
  for (let turn = 0; turn < estimates.length; turn++) {
    for (let row = 0; row < drawn.length; row++) drawn[row] = values[random.int(values.length)];
    estimates[turn] = statistic(drawn);
  }
  return percentiles(statistic(sample), estimates, options.level);
}

/**
 * The same for a quantile of sorted values, at a cost that does not grow with their number: the
 * k-th smallest of n draws with replacement is values[floor(n·U)], U the k-th order statistic of n
 * uniform numbers, which follows Beta(k, n - k + 1) (David and Nagaraja, "Order Statistics", 2.1).
 */
export function bootstrapQuantile(
  values: ArrayLike<number>,
  q: number,
  options: BootstrapOptions = {},
): Interval {
  const count = values.length;
  if (count === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const random = new Random(options.seed ?? 1);
  const rank = nearestRank(q, count);
  const estimates = new Float64Array(options.resamples ?? 2000);
  for (let turn = 0; turn < estimates.length; turn++) {
    const row = Math.floor(count * random.beta(rank, count - rank + 1));
    estimates[turn] = values[Math.min(count - 1, row)];
  }
  return percentiles(quantileSorted(values, q), estimates, options.level);
}

/** The bootstrap interval of the median of values in any order. */
export function bootstrapMedian(values: ArrayLike<number>, options?: BootstrapOptions): Interval {
  return bootstrapQuantile(sorted(values), 0.5, options);
}

/**
 * The median of a[i] / b[i] with its bootstrap interval, pairs drawn together: for two things
 * measured in turn, so that what drifts in the machine divides out.
 */
export function bootstrapPairedRatio(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options?: BootstrapOptions,
): Interval {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} are no pairs`);
  const ratios = new Float64Array(a.length);
  for (let pair = 0; pair < a.length; pair++) ratios[pair] = a[pair] / b[pair];
  return bootstrap(ratios, median, options);
}

function percentiles(value: number, estimates: Float64Array, level = 0.95): Interval {
  estimates.sort();
  return {
    value,
    low: quantileSorted(estimates, (1 - level) / 2),
    high: quantileSorted(estimates, (1 + level) / 2),
  };
}
