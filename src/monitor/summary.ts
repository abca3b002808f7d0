/** The whole time, for people: said when the monitor ends. */
import { counted, formatCount, formatNs, formatRate } from "../base/units.ts";
import type { Column, Row } from "../model/table.ts";
import type { Deadline } from "../probes/deadline.ts";
import { table } from "../sinks/table.ts";
import type { Interval } from "./interval.ts";
import { accountText } from "./lines.ts";
import type { Verdict } from "./loop.ts";
import type { Objective } from "./slo.ts";
import type { Source } from "./source.ts";

const columns: readonly Column[] = [
  { key: "span", unit: "text" },
  { key: "packets", unit: "count" },
  { key: "mean", unit: "ns" },
  { key: "p50", unit: "ns" },
  { key: "p90", unit: "ns" },
  { key: "p99", unit: "ns" },
  { key: "p999", title: "p99.9", unit: "ns" },
  { key: "max", unit: "ns" },
];

export interface DeadlineAsked {
  readonly span: string;
  readonly ns: number;
}

export interface Whole {
  readonly source: Source;
  /** From the beginning to the end. */
  readonly interval: Interval;
  readonly deadline: Deadline | undefined;
}

export function summaryText({ source, interval, deadline }: Whole, asked?: DeadlineAsked): string {
  const rows = interval.spans.map(
    (one): Row => ({
      span: one.span,
      packets: one.packets,
      mean: one.meanNs,
      p50: one.p50Ns,
      p90: one.p90Ns,
      p99: one.p99Ns,
      p999: one.p999Ns,
      max: one.maxNs,
    }),
  );
  const rate = formatRate(interval.account.seen / interval.seconds);
  return [
    `${source.name}: ${formatNs(interval.seconds * 1e9)}, ${rate}\n`,
    table({ columns, rows }),
    coverageText(interval),
    deadline && asked ? deadlineText(deadline, asked) : "",
  ].join("");
}

function coverageText({ account: a }: Interval): string {
  const n = formatCount;
  const missing = accountText(a);
  return `coverage: seen ${n(a.seen)} = matched ${n(a.matched)} + expired ${n(a.expired)} + collided ${n(a.collided)}
          + filtered ${n(a.filtered)} + in flight ${n(a.inFlight)}; lost ${n(a.lost)}
${missing && `          ${missing}\n`}`;
}

export function deadlineText(deadline: Deadline, { span, ns }: DeadlineAsked): string {
  const { judged, missed, longestRun, worstNs } = deadline;
  const share = judged > 0 ? ((100 * missed) / judged).toPrecision(3) : "0";
  const n = formatCount;
  return `deadline: ${span} within ${formatNs(ns)}: ${n(missed)} of ${n(judged)} missed (${share} %)
          longest run ${n(longestRun)}, worst ${formatNs(worstNs)}\n`;
}

export function objectivesText(verdicts: ReadonlyMap<Objective, Verdict>): string {
  return [...verdicts]
    .map(([{ text }, { judged, violated }]) => {
      const intervals = counted(judged, "interval");
      if (judged === 0) return `objective ${text}: no packet came to judge it by\n`;
      if (violated === 0) return `objective ${text}: kept in ${intervals}\n`;
      return `objective ${text}: VIOLATED in ${formatCount(violated)} of ${intervals}\n`;
    })
    .join("");
}
