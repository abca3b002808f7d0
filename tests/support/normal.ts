/**
 * P(Z > z) of the standard normal distribution: a series near the middle, and from 2 on Laplace's
 * continued fraction (Abramowitz and Stegun 26.2.14), whose relative error stays small far out.
 */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  if (z < 2) return 0.5 - series(z);
  let fraction = 0;
  for (let term = 200; term >= 1; term--) fraction = term / (z + fraction);
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / (z + fraction);
}

/** Φ(z) - 1/2 by its series (Abramowitz and Stegun 26.2.11). */
function series(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
