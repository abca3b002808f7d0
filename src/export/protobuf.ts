/**
 * Prometheus' protobuf exposition, delimited, with native histograms: the only format that carries them.
 * Schema 3 (8 buckets an octave); a kernel bucket (16 an octave) goes where its middle lies.
 */
import { bucketMiddle } from "../stats/histogram.ts";
import type { Family, HistogramValue } from "./family.ts";

const type =
  "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
const types = { counter: 0, gauge: 1, histogram: 4 } as const;
const schema = 3;

export function protobuf(families: readonly Family[]): { body: Uint8Array; type: string } {
  const out: number[] = [];
  for (const { metric, series } of families) {
    if (series.length === 0) continue;
    const family: number[] = [];
    text(family, 1, metric.name);
    text(family, 2, metric.help);
    tag(family, 3, 0, types[metric.type]);
    for (const { labels, value } of series) {
      const one: number[] = [];
      metric.labels.forEach((name, i) => {
        const pair: number[] = [];
        text(pair, 1, name);
        text(pair, 2, labels[i] ?? "");
        nested(one, 1, pair);
      });
      if (typeof value === "number") {
        const plain: number[] = [];
        double(plain, 1, value);
        nested(one, metric.type === "counter" ? 3 : 2, plain);
      } else nested(one, 7, histogram(value));
      nested(family, 4, one);
    }
    varint(out, family.length);
    append(out, family);
  }
  return { body: Uint8Array.from(out), type };
}

function histogram({ histogram: h, unitSeconds, sumSeconds }: HistogramValue): number[] {
  const buckets = new Map<number, number>();
  let zero = 0;
  let count = 0;
  for (const [bucket, times] of h.counts.entries()) {
    if (times === 0) continue;
    count += times;
    if (bucket === 0) {
      zero += times;
      continue;
    }
    const index = Math.ceil(Math.log2(bucketMiddle(bucket) * unitSeconds) * 2 ** schema);
    buckets.set(index, (buckets.get(index) ?? 0) + times);
  }
  const out: number[] = [];
  tag(out, 1, 0, count);
  double(out, 2, sumSeconds);
  tag(out, 5, 0, zigzag(schema));
  double(out, 6, unitSeconds / 2);
  tag(out, 7, 0, zero);
  const indexes = [...buckets.keys()].sort((a, b) => a - b);
  const deltas: number[] = [];
  let before = 0;
  let end: number | undefined;
  for (let i = 0; i < indexes.length; ) {
    let length = 1;
    while (indexes[i + length] === indexes[i] + length) length++;
    const span: number[] = [];
    tag(span, 1, 0, zigzag(end === undefined ? indexes[i] : indexes[i] - end));
    tag(span, 2, 0, length);
    nested(out, 12, span);
    for (let k = 0; k < length; k++) {
      const times = buckets.get(indexes[i + k]) as number;
      varint(deltas, zigzag(times - before));
      before = times;
    }
    end = indexes[i] + length;
    i += length;
  }
  // Without any span Prometheus would take it for a classic histogram without buckets.
  if (indexes.length === 0) nested(out, 12, [0x08, 0, 0x10, 0]);
  else nested(out, 13, deltas);
  return out;
}

function append(out: number[], bytes: ArrayLike<number>): void {
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]);
}

function nested(out: number[], field: number, bytes: ArrayLike<number>): void {
  varint(out, (field << 3) | 2);
  varint(out, bytes.length);
  append(out, bytes);
}

function text(out: number[], field: number, value: string): void {
  nested(out, field, Buffer.from(value));
}

function tag(out: number[], field: number, wire: number, value: number): void {
  varint(out, (field << 3) | wire);
  varint(out, value);
}

function double(out: number[], field: number, value: number): void {
  varint(out, (field << 3) | 1);
  append(out, new Uint8Array(Float64Array.of(value).buffer));
}

/** Whole numbers up to 2^53. */
function varint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
