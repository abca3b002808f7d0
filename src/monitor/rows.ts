/** An interval as rows for machines: one a span. */
import type { Column, Row } from "../model/table.ts";
import type { Deadline } from "../probes/deadline.ts";
import type { Interval } from "./interval.ts";
import type { Violation } from "./slo.ts";
import type { Source } from "./source.ts";

export const schema = "komon.monitor/1";

export const columns: readonly Column[] = [
  { key: "time", unit: "text" },
  { key: "seconds", unit: "number" },
  { key: "port", unit: "number" },
  { key: "span", unit: "text" },
  { key: "packets", unit: "count" },
  { key: "pps", unit: "pps" },
  { key: "mean_ns", unit: "ns" },
  { key: "p50_ns", unit: "ns" },
  { key: "p90_ns", unit: "ns" },
  { key: "p99_ns", unit: "ns" },
  { key: "p999_ns", unit: "ns" },
  { key: "max_ns", unit: "ns" },
  { key: "depth", unit: "count" },
  { key: "seen", unit: "count" },
  { key: "matched", unit: "count" },
  { key: "expired", unit: "count" },
  { key: "expired_stack", unit: "count" },
  { key: "expired_unsent", unit: "count" },
  { key: "expired_unread", unit: "count" },
  { key: "collided", unit: "count" },
  { key: "filtered", unit: "count" },
  { key: "lost", unit: "count" },
  { key: "in_flight", unit: "count" },
  { key: "deadline_missed", unit: "count" },
  { key: "deadline_longest_run", unit: "count" },
  { key: "deadline_worst_ns", unit: "ns" },
  { key: "violated", unit: "text" },
];

export interface Told {
  readonly source: Source;
  readonly interval: Interval;
  readonly at: Date;
  readonly violated: readonly Violation[];
  readonly deadline: Deadline | undefined;
}

export function rowsOf({ source, interval, at, violated, deadline }: Told): Row[] {
  const { account } = interval;
  return interval.spans.map((one) => ({
    time: at.toISOString(),
    seconds: Math.round(interval.seconds * 1e6) / 1e6,
    port: source.port,
    span: one.span,
    packets: one.packets,
    pps: Math.round(one.pps * 1e3) / 1e3,
    mean_ns: Math.round(one.meanNs),
    p50_ns: Math.round(one.p50Ns),
    p90_ns: Math.round(one.p90Ns),
    p99_ns: Math.round(one.p99Ns),
    p999_ns: Math.round(one.p999Ns),
    max_ns: one.maxNs,
    depth: interval.depth,
    seen: account.seen,
    matched: account.matched,
    expired: account.expired,
    expired_stack: account.expiredStack,
    expired_unsent: account.expiredUnsent,
    expired_unread: account.expiredUnread,
    collided: account.collided,
    filtered: account.filtered,
    lost: account.lost,
    in_flight: account.inFlight,
    deadline_missed: deadline?.missed,
    deadline_longest_run: deadline?.longestRun,
    deadline_worst_ns: deadline?.worstNs,
    violated: violated
      .filter(({ objective }) => objective.span === one.span)
      .map(({ objective }) => objective.text)
      .join(", "),
  }));
}
