import type { Column, Row, Table } from "../model/table.ts";
import { half } from "../stats/interval.ts";
import { meanOf } from "../stats/summary.ts";
import { type CombinationReport, errorNames } from "./combination.ts";
import { placeColumnsOf, placeOf } from "./place.ts";
import type { QuantityName } from "./quantity.ts";

/** The statistics of each time that are reported. */
const statistics = ["mean_ns", "sd_ns", "p50_ns", "p99_ns", "max_ns"] as const;

/** Names of columns: `truth` is what VNF_ holds, `sojourn` what KERNEL_ holds. */
const prefixes: readonly (readonly [QuantityName, string])[] = [
  ["truth", "vnf"],
  ["sojourn", "kernel"],
  ["service", "service"],
  ["queue", "queue"],
  ["egress", "egress"],
  ["total", "total"],
];

const errorStatistics = ["mean_ns", "p50_ns", "p99_ns", "mae_ns", "residual_p50_ns"] as const;

const text = (key: string): Column => ({ key, unit: "text" });
const number = (key: string): Column => ({ key, unit: "number" });
const ns = (key: string): Column => ({ key, unit: "ns" });

/** The columns of `komon report --format csv|json|jsonl`. */
export const reportColumns: readonly Column[] = [
  ...[text("folder"), number("delay_us"), number("law"), number("pps"), number("size_bytes")],
  ...[number("intervals"), number("packets"), ns("sleep_ns")],
  ...[number("reps"), { key: "n", unit: "count" } as const],
  ...prefixes.flatMap(([, prefix]) => [
    ...statistics.map((statistic) => ns(`${prefix}_${statistic}`)),
    ...[ns(`${prefix}_p50_low_ns`), ns(`${prefix}_p50_high_ns`)],
  ]),
  ...["bias_ns", "bias_low_ns", "bias_high_ns"].map(ns),
  ...[number("ks"), number("ks_p")],
  ...[{ key: "same_packets", unit: "text" } as const],
  ...["pair_mae_ns", "pair_p99_ns"].map(ns),
  ...errorNames.flatMap((name) => [
    { key: `${name}_error_pairs`, unit: "count" } as const,
    ...errorStatistics.map((statistic) => ns(`${name}_error_${statistic}`)),
    ...[ns(`${name}_error_p50_low_ns`), ns(`${name}_error_p50_high_ns`)],
  ]),
  ...["offset_ns", "offset_uncertainty_ns"].map(ns),
  ...[{ key: "coverage", unit: "ratio" } as const, { key: "lost", unit: "count" } as const],
  ...["buffer_mean_bytes", "buffer_p90_bytes", "buffer_max_bytes"].map(
    (key) => ({ key, unit: "bytes" }) as const,
  ),
];

/** One row of every figure per combination. */
export function reportTable(combinations: readonly CombinationReport[]): Table {
  return { schema: "komon.report/1", columns: reportColumns, rows: combinations.map(rowOf) };
}

function rowOf(combination: CombinationReport): Row {
  const { params, quantities, comparison, error, coverage, buffer } = combination;
  const row: Record<string, Row[string]> = {
    folder: combination.folder,
    delay_us: params.delayNs / 1000,
    law: params.law,
    pps: params.pps,
    size_bytes: params.sizeBytes,
    intervals: params.intervals,
    packets: params.packets,
    sleep_ns: params.sleepNs,
    reps: combination.reps.length,
    n: rowsOf(combination),
    bias_ns: comparison?.bias.value,
    bias_low_ns: comparison?.bias.low,
    bias_high_ns: comparison?.bias.high,
    ks: comparison?.ks.distance,
    ks_p: comparison?.ks.p,
    same_packets: combination.samePackets,
    pair_mae_ns: comparison?.pair_mae_ns,
    pair_p99_ns: comparison?.pair_p99_ns,
    coverage: coverageOf(combination),
    lost: coverage?.lost,
    buffer_mean_bytes: buffer?.mean_bytes,
    buffer_p90_bytes: buffer?.p90_bytes,
    buffer_max_bytes: buffer?.max_bytes,
    ...offsetOf(combination),
  };
  for (const [name, prefix] of prefixes) {
    const quantity = quantities[name];
    if (quantity === undefined) continue;
    for (const statistic of statistics) row[`${prefix}_${statistic}`] = quantity.summary[statistic];
    row[`${prefix}_p50_low_ns`] = quantity.median.low;
    row[`${prefix}_p50_high_ns`] = quantity.median.high;
  }
  for (const name of errorNames) {
    const { summary, median } = error?.[name] ?? {};
    row[`${name}_error_pairs`] = summary?.pairs;
    for (const statistic of errorStatistics)
      row[`${name}_error_${statistic}`] = summary?.[statistic];
    row[`${name}_error_p50_low_ns`] = median?.low;
    row[`${name}_error_p50_high_ns`] = median?.high;
  }
  return row;
}

/** The calibrated offset that `corrected` has off: the mean over the runs, and the worst uncertainty. */
function offsetOf({ runs }: CombinationReport): Row {
  const offsets = runs.flatMap(({ corrected }) => corrected ?? []);
  if (offsets.length === 0) return {};
  return {
    offset_ns: meanOf(offsets.map(({ offset_ns }) => offset_ns)),
    offset_uncertainty_ns: Math.max(...offsets.map(({ uncertainty_ns }) => uncertainty_ns)),
  };
}

/** Pairs of rows, or the rows of the one file there is. */
function rowsOf({ comparison, quantities }: CombinationReport): number {
  return comparison?.pairs ?? (quantities.sojourn ?? quantities.truth)?.summary.count ?? 0;
}

/** For humans, below 80 columns: KERNEL_ and VNF_ as two samples. Medians unless the head says else. */
export function sampleTable(combinations: readonly CombinationReport[]): Table {
  return {
    schema: "komon.report.samples/1",
    columns: [
      ...placeColumnsOf(combinations),
      { key: "n", unit: "number" },
      { key: "truth", title: "VNF", unit: "ns" },
      { key: "sojourn", title: "KERNEL", unit: "ns" },
      { key: "tail", title: "p99", unit: "ns" },
      { key: "bias", unit: "ns" },
      { key: "half", title: "±95 %", unit: "ns" },
      { key: "ks", title: "KS", unit: "text" },
    ],
    rows: combinations.map((combination) => {
      const { quantities, comparison } = combination;
      return {
        ...placeOf(combination),
        n: rowsOf(combination),
        truth: quantities.truth?.summary.p50_ns,
        sojourn: quantities.sojourn?.summary.p50_ns,
        tail: quantities.sojourn?.summary.p99_ns,
        bias: comparison?.bias.value,
        half: comparison && half(comparison.bias),
        ks: comparison?.ks.distance.toFixed(3),
      };
    }),
  };
}

/** For humans, below 80 columns: the spans that SPANS_ files hold, and how many packets were matched. */
export function spanTable(combinations: readonly CombinationReport[]): Table {
  return {
    schema: "komon.report.spans/1",
    columns: [
      ...placeColumnsOf(combinations),
      { key: "service", unit: "ns" },
      { key: "half", title: "±95 %", unit: "ns" },
      { key: "tail", title: "p99", unit: "ns" },
      { key: "queue", unit: "ns" },
      { key: "queue_tail", title: "p99", unit: "ns" },
      { key: "coverage", title: "matched", unit: "ratio" },
    ],
    rows: combinations.map((combination) => {
      const { service, queue } = combination.quantities;
      return {
        ...placeOf(combination),
        service: service?.summary.p50_ns,
        half: service && half(service.median),
        tail: service?.summary.p99_ns,
        queue: queue?.summary.p50_ns,
        queue_tail: queue?.summary.p99_ns,
        coverage: coverageOf(combination),
      };
    }),
  };
}

/** For humans, below 80 columns: service - truth of the same packets. */
export function errorTable(combinations: readonly CombinationReport[]): Table {
  return {
    schema: "komon.report.errors/1",
    columns: [
      ...placeColumnsOf(combinations),
      { key: "n", unit: "number" },
      { key: "error", unit: "ns" },
      { key: "half", title: "±95 %", unit: "ns" },
      { key: "tail", title: "p99", unit: "ns" },
      { key: "residual", unit: "ns" },
      { key: "corrected", unit: "ns" },
    ],
    rows: combinations.map((combination) => {
      const { service, corrected } = combination.error ?? {};
      return {
        ...placeOf(combination),
        n: service?.summary.pairs,
        error: service?.summary.p50_ns,
        half: service && half(service.median),
        tail: service?.summary.p99_ns,
        residual: service?.summary.residual_p50_ns,
        corrected: corrected?.summary.p50_ns,
      };
    }),
  };
}

/** Share of the packets seen that were matched; undefined where no RUN_ file says it. */
export function coverageOf({ coverage }: CombinationReport): number | undefined {
  return coverage && coverage.matched / coverage.seen;
}
