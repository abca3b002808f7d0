import { nearestRank } from "./histogram.ts";
import type { Interval } from "./interval.ts";
import { Random } from "./random.ts";
import { quantileSorted, sorted } from "./summary.ts";

export interface BootstrapOptions {
  readonly resamples?: number;
  /** Confidence level, default 0.95. */
  readonly level?: number;
  readonly seed?: number;
}

/**
 * Percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13) of a quantile of
 * sorted, independent values: for small samples, such as one figure per run. Nothing is drawn but the outcome: the
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

function percentiles(value: number, estimates: Float64Array, level = 0.95): Interval {
  estimates.sort();
  return {
    value,
    low: quantileSorted(estimates, (1 - level) / 2),
    high: quantileSorted(estimates, (1 + level) / 2),
  };
}
