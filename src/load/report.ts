import { counted, formatBytes, formatCount, formatNs, formatRate } from "../base/units.ts";
import { endpointText } from "../kernel/address.ts";
import { errnoName } from "../kernel/libc.ts";
import { Histogram } from "../stats/histogram.ts";
import type { LoadOptions } from "./load.ts";
import type { LoadCounters } from "./messages.ts";

/** What a load did, as `komon load --format json` prints it. */
export interface LoadReport {
  readonly schema: "komon.load/1";
  readonly target: string;
  readonly arrivals: string;
  readonly seed: number;
  readonly flows: number;
  readonly payload_bytes: number;
  /** The rate that was asked for. */
  readonly offered_pps: number;
  /** The rate that was reached: packets sent, over the time they stand for. One burst has none. */
  readonly sent_pps: number | null;
  readonly sent: number;
  /** Send calls that failed; `errors` has them by errno. */
  readonly refused: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Packets whose turn did not come: too slow for the rate, or stopped. */
  readonly unsent: number;
  /** Payload bytes sent. */
  readonly bytes: number;
  /** From the first packet's departure to when the one after the last was due. */
  readonly duration_ns: number;
  readonly pacing: {
    /** Mean rate against the schedule's own, whatever the arrivals: (asked time / taken time - 1) · 100. */
    readonly rate_error_percent: number | null;
    /** Departure after the due time. */
    readonly late_p50_ns: number;
    readonly late_p99_ns: number;
    readonly late_max_ns: number;
  };
}

export function loadReport(options: LoadOptions, counters: LoadCounters): LoadReport {
  const { sent, refused, firstNs, lastNs, firstDueNs, lastDueNs, nextDueNs } = counters;
  const attempted = sent + refused;
  const takenNs = attempted > 0 ? lastNs - firstNs + (nextDueNs - lastDueNs) : 0;
  const allAtOnce = attempted > 0 && nextDueNs === firstDueNs;
  const lateness = new Histogram();
  lateness.merge(counters.lateness);
  // A bucket's middle may lie above the greatest value in it.
  const late = (share: number) =>
    attempted > 0 ? Math.round(Math.min(lateness.quantile(share).value, counters.latestNs)) : 0;
  return {
    schema: "komon.load/1",
    target: endpointText(options.target),
    arrivals: options.arrivals,
    seed: options.seed,
    flows: options.flows,
    payload_bytes: options.payloadBytes,
    offered_pps: options.pps,
    sent_pps: allAtOnce ? null : takenNs > 0 ? (sent * 1e9) / takenNs : 0,
    sent,
    refused,
    errors: errorsOf(counters.errors),
    unsent: unsentOf(options, attempted, nextDueNs),
    bytes: sent * options.payloadBytes,
    duration_ns: Math.round(takenNs),
    pacing: {
      rate_error_percent: allAtOnce
        ? null
        : takenNs > 0
          ? ((nextDueNs - firstDueNs) / takenNs - 1) * 100
          : 0,
      late_p50_ns: late(0.5),
      late_p99_ns: late(0.99),
      late_max_ns: Math.round(counters.latestNs),
    },
  };
}

/** The report for people. */
export function loadText(report: LoadReport): string {
  const { pacing } = report;
  const errors = Object.entries(report.errors).map(([name, n]) => `${name} × ${formatCount(n)}`);
  const { sent_pps: sentPps } = report;
  const error = pacing.rate_error_percent;
  const rows: [string, string][] = [
    ["target", `${report.target}, ${report.arrivals}, seed ${report.seed}`],
    ["offered", formatRate(report.offered_pps)],
    ["sent", `${sentPps === null ? "—" : formatRate(sentPps)}, ${counted(report.sent, "packet")}`],
    ["bytes", `${formatBytes(report.bytes)} in ${formatNs(report.duration_ns)}`],
    ["refused", [formatCount(report.refused), ...errors].join(", ")],
    ["unsent", formatCount(report.unsent)],
    ["rate error", error === null ? "—" : `${error.toFixed(4)} %`],
    [
      "late",
      `median ${formatNs(pacing.late_p50_ns)}, p99 ${formatNs(pacing.late_p99_ns)}, max ${formatNs(pacing.late_max_ns)}`,
    ],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join("");
}

/** How many more packets --count and --duration had room for; whichever is less. */
function unsentOf({ count, durationNs, pps }: LoadOptions, attempted: number, nextDueNs: number) {
  const byCount = count === undefined ? Number.POSITIVE_INFINITY : count - attempted;
  const byTime =
    durationNs === undefined
      ? Number.POSITIVE_INFINITY
      : Math.ceil((Math.max(0, durationNs - nextDueNs) * pps) / 1e9);
  const unsent = Math.min(byCount, byTime);
  return Number.isFinite(unsent) ? unsent : 0;
}

function errorsOf(errors: Uint32Array): Record<string, number> {
  const names: Record<string, number> = {};
  errors.forEach((count, errno) => {
    if (count > 0) names[errnoName(errno)] = count;
  });
  return names;
}
