/** The median of differences, and the interval it lies in with 95 % by order statistics. */
export function medianInterval(values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const half = 0.98 * Math.sqrt(n); // normal approximation of the binomial
  const at = (rank: number) => sorted[Math.min(n - 1, Math.max(0, Math.round(rank)))];
  return { median: at((n - 1) / 2), low: at(n / 2 - half), high: at(n / 2 + half) };
}
