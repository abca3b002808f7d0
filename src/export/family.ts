/** What collectors give and writers write: a metric and its series at one moment. */
import type { Metric } from "../model/metric.ts";
import type { Histogram } from "../stats/histogram.ts";

/** A histogram as the kernel holds it. */
export interface HistogramValue {
  readonly histogram: Histogram;
  /** What the histogram counts in: 1e-9 for nanoseconds, 1e-6 for microseconds. */
  readonly unitSeconds: number;
  readonly sumSeconds: number;
}

export interface Series {
  /** Values of the metric's labels, in their order. */
  readonly labels: readonly string[];
  readonly value: number | HistogramValue;
}

export interface Family {
  readonly metric: Metric;
  readonly series: readonly Series[];
}

/** A source of families. Collecting starts no measurement: it reads what is there. */
export interface Collector extends Disposable {
  collect(): Family[];
}

/** Name of the one series that takes what is beyond the limit. */
export const other = "other";
