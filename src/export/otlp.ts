/**
 * Pushes metrics to an OpenTelemetry collector: OTLP over HTTP, JSON encoding. Written here and not with the SDK,
 * because the kernel's histograms are aggregates already, and the SDK only takes single observations.
 */
import { log } from "../base/log.ts";
import { komonVersion } from "../base/version.ts";
import { realtimeNs } from "../kernel/libc.ts";
import { boundsOf } from "./bounds.ts";
import type { Family, HistogramValue, Series } from "./family.ts";

const cumulative = 2; // AGGREGATION_TEMPORALITY_CUMULATIVE
const timeoutMs = 10_000;

export class OtlpPush implements Disposable {
  readonly #timer: Timer;
  readonly #endpoint: string;
  readonly #families: () => Family[];
  readonly #startNs = String(BigInt(Math.round(realtimeNs())));
  #isBusy = false;
  #isFailing = false;

  /** `endpoint`: the collector's base, such as http://127.0.0.1:4318. */
  constructor(endpoint: string, intervalNs: number, families: () => Family[]) {
    this.#endpoint = `${endpoint.replace(/\/$/, "")}/v1/metrics`;
    this.#families = families;
    this.#timer = setInterval(() => void this.push(), intervalNs / 1e6);
  }

  /** A push that takes longer than the interval makes the next one wait; nothing piles up. */
  async push(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const response = await fetch(this.#endpoint, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(otlpOf(this.#families(), this.#startNs)),
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok)
        throw new Error(`${response.status} ${(await response.text()).slice(0, 200)}`);
      if (this.#isFailing) log.info(`${this.#endpoint} takes metrics again`);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.warn(`${this.#endpoint}: ${(error as Error).message}`);
      this.#isFailing = true;
    } finally {
      this.#isBusy = false;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** The request's body: ExportMetricsServiceRequest. */
export function otlpOf(families: readonly Family[], startTimeUnixNano: string): object {
  const timeUnixNano = String(BigInt(Math.round(realtimeNs())));
  const metrics = families
    .filter(({ series }) => series.length > 0)
    .map(({ metric, series }) => {
      const points = series.map((one) => ({
        attributes: metric.labels.map((key, i) => ({
          key,
          value: { stringValue: one.labels[i] ?? "" },
        })),
        ...{ startTimeUnixNano, timeUnixNano },
        ...pointOf(metric, one),
      }));
      const unit = /_seconds/.test(metric.name) ? "s" : /_bytes/.test(metric.name) ? "By" : "1";
      const head = { name: metric.name, description: metric.help, unit };
      const data = { dataPoints: points, aggregationTemporality: cumulative };
      if (metric.type === "histogram") return { ...head, histogram: data };
      if (metric.type === "counter") return { ...head, sum: { ...data, isMonotonic: true } };
      return { ...head, gauge: { dataPoints: points } };
    });
  const scope = { name: "komon", version: komonVersion };
  const attributes = [{ key: "service.name", value: { stringValue: "komon" } }];
  return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope, metrics }] }] };
}

function pointOf(metric: Family["metric"], { value }: Series): object {
  return typeof value === "number" ? { asDouble: value } : histogramOf(metric, value);
}

/** Counts between the bounds, which are inclusive above, as Prometheus' are. */
function histogramOf(metric: Family["metric"], value: HistogramValue): object {
  const { counts } = value.histogram;
  const bounds = boundsOf(metric, value.unitSeconds);
  const between: number[] = [];
  let bucket = 0;
  for (const before of [...bounds.map((bound) => bound.before), counts.length]) {
    let count = 0;
    while (bucket < before) count += counts[bucket++];
    between.push(count);
  }
  return {
    count: String(between.reduce((sum, one) => sum + one, 0)),
    sum: value.sumSeconds,
    explicitBounds: bounds.map(({ seconds }) => seconds),
    bucketCounts: between.map(String),
  };
}
