/** Turns families into plain numbers a second: gauges as they are, counters as rates, histograms as quantiles. */
import type { Family, HistogramValue } from "../export/family.ts";
import { bucketLower, type Histogram } from "../stats/histogram.ts";
import type { Moment } from "./moment.ts";

export type Sample = ReadonlyMap<string, number>;

const left = /^(komon_bpf_program_|komon_build_info|process_start_time|komon_scrape)/;

/** Columns of a heat map: how many values fell into each octave, in one second. */
export interface Heat {
  readonly at: number;
  /** By octave: values from 2^i to 2^(i+1) units. */
  readonly counts: readonly number[];
  readonly unitSeconds: number;
}

/** What the last sample was made from. */
interface Before {
  readonly histograms: Map<string, Histogram>;
  readonly counters: Map<string, number>;
}

const heatColumns = 300;
const heatMost = 100;

export class Sampler {
  readonly #heat = new Map<string, Heat[]>();
  #before: Before = { histograms: new Map(), counters: new Map() };
  #last: Moment | undefined;

  /** Keys are `name{label="value"}` with `:rate`, `:p50`, `:p99` where it is derived; times in seconds. */
  take(families: readonly Family[], now: Moment): Sample {
    const sample = new Map<string, number>();
    const seconds = this.#last && (now.steadyMs - this.#last.steadyMs) / 1000;
    this.#last = now;
    const fresh: Before = { histograms: new Map(), counters: new Map() };
    for (const { metric, series } of families) {
      if (left.test(metric.name)) continue;
      for (const { labels, value } of series) {
        const inner = metric.labels
          .map((name, i) => `${name}=${JSON.stringify(labels[i])}`)
          .join(",");
        const key = inner ? `${metric.name}{${inner}}` : metric.name;
        if (typeof value !== "number") {
          fresh.histograms.set(key, value.histogram.copy());
          this.#histogram(sample, key, value, seconds);
        } else if (metric.type === "counter") {
          fresh.counters.set(key, value);
          this.#counter(sample, key, value, seconds);
        } else sample.set(key, value);
      }
    }
    this.#before = fresh;
    return sample;
  }

  /** The last five minutes of a histogram, as far as they were seen. */
  heat(key: string): readonly Heat[] {
    return this.#heat.get(key) ?? [];
  }

  #warm(key: string, fresh: Histogram, unitSeconds: number): void {
    const columns = this.#heat.get(key) ?? [];
    if (columns.length === 0 && this.#heat.size >= heatMost) return;
    this.#heat.set(key, columns);
    const counts = Array<number>(40).fill(0);
    for (const [bucket, times] of fresh.counts.entries()) {
      if (times > 0) counts[Math.floor(Math.log2(Math.max(1, bucketLower(bucket))))] += times;
    }
    columns.push({ at: this.#last?.atMs ?? 0, counts, unitSeconds });
    if (columns.length > heatColumns) columns.shift();
  }

  #counter(sample: Map<string, number>, key: string, value: number, seconds: number | undefined) {
    const before = this.#before.counters.get(key);
    if (before === undefined || !seconds) return;
    sample.set(`${key}:rate`, Math.max(0, value - before) / seconds);
  }

  #histogram(
    sample: Map<string, number>,
    key: string,
    { histogram, unitSeconds }: HistogramValue,
    seconds: number | undefined,
  ): void {
    const before = this.#before.histograms.get(key);
    const since = before && histogram.since(before);
    // What has become less has begun anew.
    const fresh = since?.counts.every((times) => times >= 0) ? since : histogram;
    const { count } = fresh;
    if (seconds) sample.set(`${key}:rate`, count / seconds);
    if (before) this.#warm(key, fresh, unitSeconds);
    if (!(count > 0)) return;
    for (const [name, q] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const) {
      sample.set(`${key}:${name}`, fresh.quantile(q).value * unitSeconds);
    }
  }
}
