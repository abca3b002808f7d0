/** Which of the kernel's 592 buckets become Prometheus buckets, and their bounds. */
import type { Metric } from "../model/metric.ts";
import { bucketLower, histogramBuckets } from "../stats/histogram.ts";

export interface Bound {
  /** Buckets below this one are at or below the bound. */
  readonly before: number;
  /**
   * The bound as text, in seconds. The kernel counts whole units, and a bucket ends before the next one's first
   * value, so the largest value at or below is one less: `le` is inclusive.
   */
  readonly le: string;
  readonly seconds: number;
}

const perOctave = 2;
const bucketsPerOctave = 16;
const defaultRangeNs = [1000, 10e9] as const;
const known = new Map<string, readonly Bound[]>();

/** Two bounds an octave over the metric's range; always the same for a metric, as Prometheus needs it. */
export function boundsOf(
  { name, rangeNs = defaultRangeNs }: Metric,
  unit: number,
): readonly Bound[] {
  const key = `${name} ${unit}`;
  const made = known.get(key) ?? make(rangeNs, unit);
  known.set(key, made);
  return made;
}

function make([lowestNs, highestNs]: readonly [number, number], unit: number): readonly Bound[] {
  const bounds: Bound[] = [];
  const step = bucketsPerOctave / perOctave;
  for (let before = step; before < histogramBuckets; before += step) {
    const value = bucketLower(before) - 1;
    const ns = value * unit * 1e9;
    if (ns < lowestNs / 1.5 || ns > highestNs * 1.5) continue;
    const seconds = Number((value * unit).toPrecision(12));
    bounds.push({ before, le: String(seconds), seconds });
  }
  return bounds;
}
