import type { Summary } from "../model/result.ts";
import { type Span, spanNames } from "../model/spans.ts";
import { meanInterval } from "../stats/batch.ts";
import { type EcdfPoint, ecdfPoints } from "../stats/ecdf.ts";
import type { Interval } from "../stats/interval.ts";
import { quantileSorted, summaryOfSorted } from "../stats/summary.ts";
import type { Batches } from "./pool.ts";

/** Times that a report describes: what the VNF says itself, and the spans. */
export const quantityNames = ["truth", ...spanNames] as const;
export type QuantityName = "truth" | Span;

/** What is kept of many values of a combination, all repetitions together. */
export interface Sample {
  /** The median with its 95 % interval by batch means over all repetitions. */
  readonly median: Interval;
  /** One per repetition. */
  readonly batches: readonly Batches[];
  readonly ecdf: readonly EcdfPoint[];
}

/** One time of a combination: of every sampled packet. */
export interface Quantity extends Sample {
  readonly summary: Summary;
}

/** Points of a curve that a report draws. */
const curvePoints = 256;

/** Describes sorted values; undefined when there are none. */
function quantityOf(ascending: Float64Array, batches: readonly Batches[]): Quantity | undefined {
  if (ascending.length === 0) return undefined;
  return { summary: summaryOfSorted(ascending), ...sampleOf(ascending, batches) };
}

/** What is kept of sorted values: at least one. */
export function sampleOf(ascending: Float64Array, batches: readonly Batches[]): Sample {
  const { low, high } = meanInterval(batches.flatMap(({ p50 }) => p50));
  const half = (high - low) / 2;
  const value = quantileSorted(ascending, 0.5);
  const median = { value, low: value - half, high: value + half };
  return { median, batches, ecdf: ecdfPoints(ascending, curvePoints) };
}

export type Quantities = Partial<Record<QuantityName, Quantity>>;

/** Adds the description of sorted values; nothing when there are none. */
export function describe(
  quantities: Quantities,
  name: QuantityName,
  ascending: Float64Array,
  batches: readonly Batches[],
): void {
  const quantity = quantityOf(ascending, batches);
  if (quantity !== undefined) quantities[name] = quantity;
}
