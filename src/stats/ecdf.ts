/** The share of sorted values that are at or below `x`. */
export function ecdf(values: ArrayLike<number>, x: number): number {
  return upperBound(values, x) / values.length;
}

/** How many of the sorted values are ≤ x, by bisection. */
function upperBound(values: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface EcdfPoint {
  readonly value: number;
  readonly share: number;
}

/**
 * At most `most` points of the ECDF of sorted values, evenly spaced in share, for drawing:
 * the first value, the last value, and none twice.
 */
export function ecdfPoints(values: ArrayLike<number>, most: number): EcdfPoint[] {
  const points: EcdfPoint[] = [];
  const steps = Math.min(most, values.length);
  for (let step = 0; step < steps; step++) {
    const row = steps === 1 ? 0 : Math.round((step * (values.length - 1)) / (steps - 1));
    const value = values[row];
    if (points.at(-1)?.value === value) points.pop();
    points.push({ value, share: upperBound(values, value) / values.length });
  }
  return points;
}

/** The greatest distance of two curves of {@link ecdfPoints}, at their points. */
export function ecdfDistance(a: readonly EcdfPoint[], b: readonly EcdfPoint[]): number {
  let distance = 0;
  let [shareA, shareB] = [0, 0];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const value = Math.min(a[i].value, b[j].value);
    if (a[i].value === value) shareA = a[i++].share;
    if (b[j].value === value) shareB = b[j++].share;
    distance = Math.max(distance, Math.abs(shareA - shareB));
  }
  return distance;
}
