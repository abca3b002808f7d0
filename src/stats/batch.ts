import { studentTwoSided } from "./distributions.ts";
import type { Interval } from "./interval.ts";
import { meanOf, median, sdOf } from "./summary.ts";

/** The mean of independent values with its Student-t confidence interval. */
export function meanInterval(values: ArrayLike<number>, level = 0.95): Interval {
  const mean = meanOf(values);
  const half =
    (studentTwoSided(level, values.length - 1) * sdOf(values, mean)) / Math.sqrt(values.length);
  return { value: mean, low: mean - half, high: mean + half };
}

/**
 * Batch means (Law and Kelton, "Simulation Modeling and Analysis", 9.5.3): neighbouring packets are
 * alike, so the values, in order of time, are cut into batches and each batch's figure counts once.
 * Values that do not fill the last batch are left out. `statistic` is the mean unless given.
 */
export function batchInterval(
  values: Float64Array,
  batches: number,
  statistic: (batch: Float64Array) => number = meanOf,
  level = 0.95,
): Interval {
  const size = Math.floor(values.length / batches);
  if (size < 1) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const figures = new Float64Array(batches);
  for (let batch = 0; batch < batches; batch++) {
    figures[batch] = statistic(values.subarray(batch * size, (batch + 1) * size));
  }
  return meanInterval(figures, level);
}

/** The mean of the batches' medians: how well the median is known. */
export function batchMedianInterval(values: Float64Array, batches = 20, level = 0.95): Interval {
  return batchInterval(values, batches, median, level);
}
