import type { Span } from "../model/spans.ts";
import type { SpanHistogram } from "../probes/histograms.ts";
import type { Histogram } from "../stats/histogram.ts";
import type { Account, Look } from "./source.ts";

/** One span in one interval. Times are NaN where no packet came. */
export interface SpanInterval {
  readonly span: Span;
  readonly packets: number;
  readonly pps: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
  readonly histogram: Histogram;
}

/** What happened between two looks. */
export interface Interval {
  readonly seconds: number;
  readonly spans: readonly SpanInterval[];
  /** Differences, but for `inFlight`. */
  readonly account: Account;
  readonly depth: number;
}

export function between(before: Look, now: Look): Interval {
  const seconds = (now.atNs - before.atNs) / 1e9;
  const spans = [...now.spans].map(([span, late]) =>
    spanBetween(span, before.spans.get(span), late, seconds),
  );
  return { seconds, spans, account: accountBetween(before.account, now.account), depth: now.depth };
}

export function spanBetween(
  span: Span,
  early: SpanHistogram | undefined,
  late: SpanHistogram,
  seconds: number,
): SpanInterval {
  const histogram = early ? late.histogram.since(early.histogram) : late.histogram;
  const packets = histogram.count;
  const maxNs = packets > 0 ? maximum(histogram, early?.maxNs ?? 0, late.maxNs) : Number.NaN;
  const quantile = (q: number) => Math.min(histogram.quantile(q).value, maxNs);
  return {
    span,
    packets,
    pps: seconds > 0 ? packets / seconds : 0,
    meanNs: packets > 0 ? grown(early?.sumNs ?? 0, late.sumNs) / packets : Number.NaN,
    p50Ns: quantile(0.5),
    p90Ns: quantile(0.9),
    p99Ns: quantile(0.99),
    p999Ns: quantile(0.999),
    maxNs,
    histogram,
  };
}

/** By how much a sum of 64 bits has grown, also when it has wrapped meanwhile. */
function grown(early: number, late: number): number {
  return late >= early ? late - early : 2 ** 64 - early + late;
}

/**
 * The kernel keeps the largest value since the beginning. When the interval raised it, that is the interval's own,
 * to the nanosecond; else the end of its highest bucket, at most 6.25 % above.
 */
function maximum(histogram: Histogram, earlyNs: number, lateNs: number): number {
  return lateNs > earlyNs ? lateNs : Math.min(histogram.max(), lateNs);
}

function accountBetween(before: Account, now: Account): Account {
  const difference = Object.fromEntries(
    Object.entries(now).map(([key, value]) => [key, value - before[key as keyof Account]]),
  ) as unknown as Account;
  return { ...difference, inFlight: now.inFlight };
}
