/** An estimate with the confidence interval [low, high]. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Half the width of an interval: what stands behind a ±. */
export function half(interval: Interval): number {
  return (interval.high - interval.low) / 2;
}

/** Half the width of an interval as a share of its value: what "known to 2 %" means. */
export function relativeHalfWidth(interval: Interval): number {
  return half(interval) / Math.abs(interval.value);
}
