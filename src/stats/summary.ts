import type { Summary } from "../model/result.ts";
import { bucketMiddle, type Histogram, nearestRank } from "./histogram.ts";

/** Arithmetic mean; NaN when empty. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let row = 0; row < values.length; row++) sum += values[row];
  return sum / values.length;
}

/** Sample standard deviation (n - 1); 0 for a single value, NaN when empty. */
export function sdOf(values: ArrayLike<number>, mean = meanOf(values)): number {
  if (values.length < 2) return values.length === 1 ? 0 : Number.NaN;
  let squares = 0;
  let rest = 0;
  for (let row = 0; row < values.length; row++) {
    const deviation = values[row] - mean;
    squares += deviation * deviation;
    rest += deviation;
  }
  // The second term takes off what the mean's own rounding added (Chan, Golub, LeVeque 1983, 1.7).
  return Math.sqrt((squares - (rest * rest) / values.length) / (values.length - 1));
}

/** A sorted copy, ascending. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** The nearest-rank quantile `q` (0…1) of sorted values: always one of them. NaN when empty. */
export function quantileSorted(values: ArrayLike<number>, q: number): number {
  return values.length === 0 ? Number.NaN : values[nearestRank(q, values.length) - 1];
}

/** The nearest-rank median of values in any order. */
export function median(values: ArrayLike<number>): number {
  return quantileSorted(sorted(values), 0.5);
}

/** Statistics of values in any order; the input is left as it is. */
export function summary(values: ArrayLike<number>): Summary {
  return summaryOfSorted(sorted(values));
}

/** The same without the copy, for values that are sorted already. */
export function summaryOfSorted(values: ArrayLike<number>): Summary {
  const mean = meanOf(values);
  return {
    count: values.length,
    mean_ns: mean,
    sd_ns: sdOf(values, mean),
    min_ns: values.length === 0 ? Number.NaN : values[0],
    p50_ns: quantileSorted(values, 0.5),
    p90_ns: quantileSorted(values, 0.9),
    p99_ns: quantileSorted(values, 0.99),
    p999_ns: quantileSorted(values, 0.999),
    max_ns: values.length === 0 ? Number.NaN : values[values.length - 1],
  };
}

/** What is counted exactly beside a histogram. */
export interface ExactSums {
  readonly sumNs?: number;
  readonly sumSquares?: number;
  readonly minNs?: number;
  readonly maxNs?: number;
}

/** Statistics of a histogram: percentiles to half a bucket, the rest exact where it was counted. */
export function summaryOfHistogram(histogram: Histogram, exact: ExactSums = {}): Summary {
  const count = histogram.count;
  const mean = exact.sumNs === undefined ? histogram.mean().value : exact.sumNs / count;
  const first = histogram.quantile(0).lower;
  const max = exact.maxNs ?? (count === 0 ? Number.NaN : histogram.max());
  const at = (q: number) =>
    Math.min(max, Math.max(exact.minNs ?? first, histogram.quantile(q).value));
  return {
    count,
    mean_ns: mean,
    sd_ns: spread(histogram, mean, count, exact.sumSquares),
    min_ns: exact.minNs ?? first,
    p50_ns: at(0.5),
    p90_ns: at(0.9),
    p99_ns: at(0.99),
    p999_ns: at(0.999),
    max_ns: max,
  };
}

function spread(histogram: Histogram, mean: number, count: number, sumSquares?: number): number {
  if (count < 2) return count === 1 ? 0 : Number.NaN;
  if (sumSquares !== undefined) {
    return Math.sqrt(Math.max(0, sumSquares - count * mean * mean) / (count - 1));
  }
  let squares = 0;
  for (let bucket = 0; bucket < histogram.counts.length; bucket++) {
    const times = histogram.counts[bucket];
    if (times > 0) squares += times * (bucketMiddle(bucket) - mean) ** 2;
  }
  return Math.sqrt(squares / (count - 1));
}
