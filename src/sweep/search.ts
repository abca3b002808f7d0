/** The search for the highest rate that holds; it knows nothing of how that is tried. */

export interface SearchRange {
  /** Where to begin. */
  readonly startPps: number;
  /** Never below, and never above. */
  readonly lowestPps: number;
  readonly highestPps: number;
  /** Ends when the bounds are this close: 0.02 = 2 %. */
  readonly resolution: number;
}

export interface Found {
  /** The highest rate that held; undefined when none did. */
  readonly holdsPps: number | undefined;
  /** The lowest that did not; undefined when the highest permitted one held. */
  readonly failsPps: number | undefined;
}

/**
 * Doubles from the start while it holds (or halves until it does), then bisects by ratio, in rates of three digits.
 * `holds` undefined: the search was interrupted.
 */
export async function searchHighest(
  { startPps, lowestPps, highestPps, resolution }: SearchRange,
  holds: (pps: number) => Promise<boolean | undefined>,
): Promise<Found | undefined> {
  let low: number | undefined;
  let high: number | undefined;
  for (let pps: number | undefined = startPps; pps !== undefined; ) {
    const held = await holds(pps);
    if (held === undefined) return undefined;
    if (held) low = pps;
    else high = pps;
    pps = next(low, high, { lowestPps, highestPps, resolution });
  }
  return { holdsPps: low, failsPps: high };
}

function next(
  low: number | undefined,
  high: number | undefined,
  { lowestPps, highestPps, resolution }: Omit<SearchRange, "startPps">,
): number | undefined {
  if (low === undefined) {
    const half = threeDigits((high ?? highestPps) / 2);
    return half >= lowestPps ? half : undefined;
  }
  if (high === undefined) return low < highestPps ? Math.min(highestPps, low * 2) : undefined;
  if (high / low <= 1 + resolution) return undefined;
  const middle = threeDigits(Math.sqrt(low * high));
  return middle > low && middle < high ? middle : undefined;
}

/** File names carry the rate; below 100 it stays as it is, to a thousandth. */
export function threeDigits(pps: number): number {
  return Number(pps.toPrecision(3));
}
