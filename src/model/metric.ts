/** What a probe says once about a number it gives: Prometheus names, docs and dashboards come from here. */

export type MetricType = "counter" | "gauge" | "histogram";

export interface Metric {
  /** As Prometheus wants it: `komon_…`, base unit in the name, `_total` for counters. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence. */
  readonly help: string;
  readonly labels: readonly string[];
  /** For a histogram: the lowest and the highest bound worth a series, in ns; default 1 µs to 10 s. */
  readonly rangeNs?: readonly [number, number];
}

export type Metrics = Readonly<Record<string, Metric>>;
