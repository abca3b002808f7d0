/** Two-sample Kolmogorov-Smirnov: the greatest distance of two empirical distribution functions. */
export interface KsResult {
  readonly distance: number;
  /** Probability of a distance this great or greater between two samples of one continuous law. */
  readonly p: number;
}

/**
 * Both samples sorted ascending; ties within and across are stepped over together.
 * The p value is the asymptotic one with the correction of M. A. Stephens (JRSS B 32, 1970), good
 * from about eight values on. It supposes independent values: packets in one queue are not.
 */
export function ksTwoSample(a: ArrayLike<number>, b: ArrayLike<number>): KsResult {
  if (a.length === 0 || b.length === 0) return { distance: Number.NaN, p: Number.NaN };
  let distance = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i], b[j]);
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length));
  return { distance, p: kolmogorovTail((root + 0.12 + 0.11 / root) * distance) };
}

/** P(K > x) of the Kolmogorov distribution: the alternating series, or its theta transform below 1. */
export function kolmogorovTail(x: number): number {
  if (x <= 0) return 1;
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k <= 7; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 20; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}
