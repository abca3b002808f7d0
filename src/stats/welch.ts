import { studentCdf, studentTwoSided } from "./distributions.ts";
import { meanOf, sdOf } from "./summary.ts";

/** The difference of two means, its confidence interval, and how likely chance alone makes it. */
export interface MeanDifference {
  /** mean(a) - mean(b). */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided; 1 where a side has fewer than two values. */
  readonly p: number;
}

/** Welch's t test of independent values with unequal spread (Welch, Biometrika 34, 1947). */
export function welch(a: ArrayLike<number>, b: ArrayLike<number>, level = 0.95): MeanDifference {
  const difference = meanOf(a) - meanOf(b);
  if (a.length < 2 || b.length < 2) {
    return { difference, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, p: 1 };
  }
  const varianceA = sdOf(a) ** 2 / a.length;
  const varianceB = sdOf(b) ** 2 / b.length;
  const variance = varianceA + varianceB;
  if (variance === 0) {
    return { difference, low: difference, high: difference, p: difference === 0 ? 1 : 0 };
  }
  const degrees =
    variance ** 2 / (varianceA ** 2 / (a.length - 1) + varianceB ** 2 / (b.length - 1));
  const error = Math.sqrt(variance);
  const half = studentTwoSided(level, Math.max(1, degrees)) * error;
  const p = Math.min(1, 2 * studentCdf(-Math.abs(difference) / error, degrees));
  return { difference, low: difference - half, high: difference + half, p };
}

/**
 * p values of many tests, raised so that the chance of one false alarm among all of them stays below
 * the level each is held to (Holm, Scand. J. Stat. 6, 1979).
 */
export function holm(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
  const adjusted = new Array<number>(values.length);
  let highest = 0;
  for (const [rank, at] of order.entries()) {
    highest = Math.max(highest, Math.min(1, values[at] * (values.length - rank)));
    adjusted[at] = highest;
  }
  return adjusted;
}
