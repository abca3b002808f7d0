import { median } from "./summary.ts";

/**
 * Median absolute deviation: the median of |value - median|, not scaled
 * (Rousseeuw and Croux, JASA 88, 1993; times 1.4826 it estimates a normal law's sd).
 */
export function mad(values: ArrayLike<number>, centre = median(values)): number {
  const distances = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) distances[row] = Math.abs(values[row] - centre);
  return median(distances);
}
