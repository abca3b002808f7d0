/** A histogram for the terminal: at most 16 rows with bars, the far tails in one row each. */
import { formatCount, formatNs } from "../base/units.ts";
import {
  bucketLower,
  bucketOf,
  bucketUpper,
  type Histogram,
  histogramBuckets,
} from "../stats/histogram.ts";
import { bar } from "./bars.ts";

export interface HistogramOptions {
  readonly width?: number;
  readonly rows?: number;
  /** Writes the bounds; nanoseconds when left out. */
  readonly format?: (value: number) => string;
}

interface Group {
  readonly label: string;
  readonly count: number;
}

export function histogram(of: Histogram, options: HistogramOptions = {}): string {
  const { width = 79, rows = 16, format = formatNs } = options;
  const all = of.count;
  if (all === 0) return "(no values)\n";
  const groups = grouped(of, rows, format);
  const counts = groups.map(({ count }) => formatCount(count));
  const shares = groups.map(({ count }) => `${((100 * count) / all).toFixed(2)} %`);
  const [labelWidth, countWidth, shareWidth] = [
    groups.map(({ label }) => label),
    counts,
    shares,
  ].map((texts) => Math.max(...texts.map((text) => Bun.stringWidth(text))));
  const columns = Math.max(8, width - labelWidth - countWidth - shareWidth - 7);
  const largest = Math.max(...groups.map(({ count }) => count));
  const lines = groups.map(({ label, count }, at) => {
    const drawn = bar(count / largest, columns).padEnd(columns);
    const numbers = `${counts[at].padStart(countWidth)}  ${shares[at].padStart(shareWidth)}`;
    return `${start(label, labelWidth)} │${drawn}│ ${numbers}`;
  });
  return `${lines.join("\n")}\n`;
}

/**
 * Neighbouring buckets merged by the smallest power of two that makes the middle 99.4 % fit;
 * what lies outside goes to an open row at either end.
 */
function grouped(of: Histogram, rows: number, format: (value: number) => string): Group[] {
  const used = [...of.counts.keys()].filter((bucket) => of.counts[bucket] > 0);
  const first = bucketOf(of.quantile(0.001).lower);
  const last = bucketOf(of.quantile(0.995).lower);
  let merge = 1;
  while (Math.floor(last / merge) - Math.floor(first / merge) + 1 > rows - 2) merge *= 2;
  const from = Math.floor(first / merge) * merge;
  const to = Math.min(histogramBuckets, (Math.floor(last / merge) + 1) * merge);
  const count = (low: number, high: number) =>
    of.counts.subarray(low, high).reduce((sum, one) => sum + one, 0);
  const groups: Group[] = [];
  if (used[0] < from)
    groups.push({ label: `below ${format(bucketLower(from))}`, count: count(0, from) });
  for (let low = from; low < to; low += merge) {
    const high = Math.min(to, low + merge);
    groups.push({ label: label(low, high, format), count: count(low, high) });
  }
  if (used[used.length - 1] >= to) {
    groups.push({
      label: `${format(bucketLower(to))} and more`,
      count: count(to, histogramBuckets),
    });
  }
  return groups;
}

function label(low: number, high: number, format: (value: number) => string): string {
  const upper = bucketUpper(high - 1);
  if (upper === Number.POSITIVE_INFINITY) return `${format(bucketLower(low))} and more`;
  return `${format(bucketLower(low))} … ${format(upper)}`;
}

function start(text: string, width: number): string {
  return " ".repeat(width - Bun.stringWidth(text)) + text;
}
