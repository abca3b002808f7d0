/**
 * Pushes to an OpenTelemetry collector through its SDK. The kernel's histograms are aggregates already, so they come
 * in by a MetricProducer, as finished data points. Loaded only where a collector is named.
 */
import { type HrTime, ValueType } from "@opentelemetry/api";
import { type ExportResult, millisToHrTime } from "@opentelemetry/core";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type Histogram as HistogramPoint,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { log } from "../base/log.ts";
import { komonVersion } from "../base/version.ts";
import { boundsOf } from "./bounds.ts";
import type { Family, HistogramValue } from "./family.ts";

const timeoutMs = 10_000;
/** For the last push, when komon ends. */
const lastPushMs = 2000;

/** `endpoint`: the collector's base, such as http://127.0.0.1:4318. Pushes once more when it is disposed. */
export class OtlpPush implements AsyncDisposable {
  readonly #provider: MeterProvider;

  constructor(endpoint: string, intervalNs: number, families: () => readonly Family[]) {
    const intervalMs = intervalNs / 1e6;
    const reader = new PeriodicExportingMetricReader({
      exporter: new TellingExporter(`${endpoint.replace(/\/$/, "")}/v1/metrics`, intervalMs),
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
      metricProducers: [new Producer(families)],
    });
    this.#provider = new MeterProvider({ resource, readers: [reader] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A collector that does not answer has been told of.
    await this.#provider.shutdown({ timeoutMillis: lastPushMs }).catch(() => {});
  }
}

const resource = resourceFromAttributes({
  "service.name": "komon",
  "service.version": komonVersion,
});

/** Says once when the collector does not take what it is sent, and once when it does again. */
class TellingExporter extends OTLPMetricExporter {
  readonly #to: string;
  #isFailing = false;

  constructor(url: string, intervalMs: number) {
    super({ url, timeoutMillis: Math.min(timeoutMs, intervalMs) });
    this.#to = url;
  }

  override export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void {
    super.export(metrics, (result) => {
      if (result.error && !this.#isFailing) log.warn(`${this.#to}: ${result.error.message}`);
      if (!result.error && this.#isFailing) log.info(`${this.#to} takes metrics again`);
      this.#isFailing = result.error !== undefined;
      done(result);
    });
  }
}

class Producer implements MetricProducer {
  readonly #families: () => readonly Family[];
  readonly #start = millisToHrTime(Date.now());

  constructor(families: () => readonly Family[]) {
    this.#families = families;
  }

  async collect() {
    const end = millisToHrTime(Date.now());
    const metrics = this.#families()
      .filter(({ series }) => series.length > 0)
      .map((family) => dataOf(family, this.#start, end));
    const scopeMetrics = [{ scope: { name: "komon", version: komonVersion }, metrics }];
    return { resourceMetrics: { resource, scopeMetrics }, errors: [] };
  }
}

function dataOf({ metric, series }: Family, startTime: HrTime, endTime: HrTime): MetricData {
  const head = {
    descriptor: {
      name: metric.name,
      description: metric.help,
      unit: /_seconds/.test(metric.name) ? "s" : /_bytes/.test(metric.name) ? "By" : "1",
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const points = <T>(convert: (value: number | HistogramValue) => T) =>
    series.map(({ labels, value }) => ({
      attributes: Object.fromEntries(metric.labels.map((name, i) => [name, labels[i] ?? ""])),
      ...{ startTime, endTime, value: convert(value) },
    }));
  if (metric.type === "histogram") {
    const dataPoints = points((value) => histogramOf(metric, value as HistogramValue));
    return { ...head, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = points(Number);
  if (metric.type === "gauge") return { ...head, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...head, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

/** Counts between the bounds, which are inclusive above, as Prometheus' are. */
function histogramOf(metric: Family["metric"], value: HistogramValue): HistogramPoint {
  const all = value.histogram.counts;
  const bounds = boundsOf(metric, value.unitSeconds);
  const counts: number[] = [];
  let bucket = 0;
  for (const before of [...bounds.map((bound) => bound.before), all.length]) {
    let between = 0;
    while (bucket < before) between += all[bucket++];
    counts.push(between);
  }
  return {
    buckets: { boundaries: bounds.map(({ seconds }) => seconds), counts },
    count: counts.reduce((sum, one) => sum + one, 0),
    sum: value.sumSeconds,
  };
}
