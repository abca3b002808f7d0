import { meanOf, median } from "./summary.ts";

/**
 * Median absolute deviation: the median of |value - median|, not scaled
 * (Rousseeuw and Croux, JASA 88, 1993; times 1.4826 it estimates a normal law's sd).
 */
export function mad(values: ArrayLike<number>, centre = median(values)): number {
  const distances = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) distances[row] = Math.abs(values[row] - centre);
  return median(distances);
}

/** A straight line through points, least squares. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** Standard error of the slope; NaN below three points. */
  readonly slopeError: number;
  /** Share of the variance that the line explains. */
  readonly r2: number;
}

export function linearRegression(x: ArrayLike<number>, y: ArrayLike<number>): Line {
  const meanX = meanOf(x);
  const meanY = meanOf(y);
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let row = 0; row < x.length; row++) {
    xx += (x[row] - meanX) ** 2;
    xy += (x[row] - meanX) * (y[row] - meanY);
    yy += (y[row] - meanY) ** 2;
  }
  const slope = xy / xx;
  const rest = Math.max(0, yy - slope * xy);
  return {
    slope,
    intercept: meanY - slope * meanX,
    slopeError: x.length > 2 ? Math.sqrt(rest / (x.length - 2) / xx) : Number.NaN,
    r2: yy === 0 ? 1 : 1 - rest / yy,
  };
}
