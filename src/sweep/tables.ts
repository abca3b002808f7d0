/** What a sweep prints, as tables; the formats for machines have more columns than the one for people. */
import type { RunResult } from "../model/result.ts";
import type { Column, Row, Table } from "../model/table.ts";
import type { MaxLoad } from "./findMax.ts";
import { latestNs } from "./lateness.ts";
import type { Outcome } from "./outcome.ts";
import {
  humanColumns,
  loadColumns,
  machineColumns,
  optionColumns,
  placeColumn,
  repColumn,
  runRow,
  samplingColumns,
  sizeColumn,
} from "./runColumns.ts";
import type { SweepRun } from "./runs.ts";
import type { CombinationInterval } from "./untilCi.ts";

/** A run that a sweep would measure. */
export interface PlannedRun {
  readonly run: SweepRun;
  readonly seed: number;
  readonly done: boolean;
  readonly expectedNs: number;
}

export function planTable(planned: readonly PlannedRun[], human: boolean): Table {
  const runs = planned.map(({ run }) => run);
  const isDone = planned.some(({ done }) => done);
  const state: Column = { key: "state", unit: "text" };
  const expected: Column = { key: "expected_ns", title: "takes", unit: "ns" };
  const columns = human
    ? [
        ...[placeColumn(runs), repColumn, ...samplingColumns],
        ...[loadColumns[0], sizeColumn, ...loadColumns.slice(1)],
        ...optionColumns(runs),
        ...(isDone ? [state] : []),
      ]
    : [
        ...machineColumns(runs).filter(({ key }) => key !== "seed"),
        { key: "seed", unit: "text" as const },
        expected,
        state,
      ];
  const rows = planned.map(({ run, seed, done, expectedNs }) => ({
    ...runRow(run),
    ...(human ? {} : { seed }),
    ...{ state: done ? "done" : "waiting", expected_ns: expectedNs },
  }));
  return { schema: "komon.sweep-plan/1", columns, rows };
}

const spanColumns: readonly Column[] = ["service", "queue", "sojourn"].flatMap((span) =>
  ["p50", "p99"].map((figure): Column => ({ key: `${span}_${figure}_ns`, unit: "ns" })),
);

const errorColumns: readonly Column[] = [
  "error_p50",
  "error_p99",
  "residual_p50",
  "corrected_p50",
].map((figure) => ({ key: `${figure}_ns`, unit: "ns" }));

function spanRow({ result }: { readonly result?: RunResult | undefined }): Row {
  const { spans, truth, error, load, coverage } = result ?? {};
  return {
    ...{
      count: spans?.service?.count,
      truth_p50_ns: truth?.p50_ns,
      error_p50_ns: error?.service.p50_ns,
      error_p99_ns: error?.service.p99_ns,
      residual_p50_ns: error?.service.residual_p50_ns,
      corrected_p50_ns: error?.corrected?.p50_ns,
    },
    ...{ service_p50_ns: spans?.service?.p50_ns, service_p99_ns: spans?.service?.p99_ns },
    ...{ queue_p50_ns: spans?.queue?.p50_ns, queue_p99_ns: spans?.queue?.p99_ns },
    ...{ sojourn_p50_ns: spans?.sojourn?.p50_ns, sojourn_p99_ns: spans?.sojourn?.p99_ns },
    ...{
      sent_pps: load?.sent_pps,
      late_max_ns: latestNs(load),
      seen: coverage?.seen,
      matched: coverage?.matched,
    },
  };
}

export function outcomeTable(outcomes: readonly Outcome[], human: boolean): Table {
  const runs = outcomes.map(({ run }) => run);
  const count: Column = { key: "count", unit: "count" };
  const state: Column = { key: "state", unit: "text" };
  const columns: Column[] = human
    ? [
        ...[...humanColumns(runs), repColumn],
        { key: "truth_p50_ns", title: "truth p50", unit: "ns" },
        { key: "service_p50_ns", title: "service p50", unit: "ns" },
        { key: "service_p99_ns", title: "p99", unit: "ns" },
        state,
      ]
    : [
        ...[...machineColumns(runs), state, { key: "why", unit: "text" as const }, count],
        { key: "truth_p50_ns", unit: "ns" },
        ...errorColumns,
        ...spanColumns,
        { key: "sent_pps", unit: "pps" },
        { key: "late_max_ns", unit: "ns" },
        { key: "seen", unit: "count" },
        { key: "matched", unit: "count" },
      ];
  const rows = outcomes.map((outcome) => {
    const { run, state, why } = outcome;
    return { ...runRow(run), ...spanRow(outcome), state, why };
  });
  return { schema: "komon.sweep-runs/1", columns, rows };
}

export function intervalTable(found: readonly CombinationInterval[], human: boolean): Table {
  const runs = found.map(({ run }) => run);
  const which = human
    ? humanColumns(runs)
    : machineColumns(runs).filter(({ key }) => key !== "rep");
  const columns: Column[] = [
    ...which,
    { key: "reps", unit: "count" },
    { key: "count", unit: "count" },
    { key: "service_p50_ns", title: "service p50", unit: "ns" },
    { key: "low_ns", title: "from", unit: "ns" },
    { key: "high_ns", title: "to", unit: "ns" },
    { key: "half_width", title: "±", unit: "ratio" },
    ...(human ? [] : [{ key: "reached", unit: "text" as const }]),
  ];
  const rows = found.map(({ run, reps, count, interval, reached }) => ({
    ...{ ...runRow(run), reps, count, reached },
    ...{ service_p50_ns: interval.value, low_ns: interval.low, high_ns: interval.high },
    half_width: (interval.high - interval.low) / 2 / interval.value,
  }));
  return { schema: "komon.sweep-ci/1", columns, rows };
}

export function maxTable(found: readonly MaxLoad[], human: boolean): Table {
  const runs = found.map(({ run }) => run);
  const [pps] = loadColumns;
  const which = human
    ? humanColumns(runs).filter(({ key }) => key !== "pps")
    : machineColumns(runs).filter(({ key }) => !["pps", "rep", "intervals"].includes(key));
  const figures: Column[] = human
    ? [
        { key: "service_p50_ns", title: "service p50", unit: "ns" },
        { key: "service_p99_ns", title: "p99", unit: "ns" },
        { key: "sojourn_p50_ns", title: "sojourn p50", unit: "ns" },
        { key: "sojourn_p99_ns", title: "p99", unit: "ns" },
      ]
    : [...spanColumns, { key: "limit", unit: "text" }];
  const columns = [
    ...which,
    { key: "share", title: "load", unit: "ratio" as const },
    pps,
    ...figures,
  ];
  const rows = found.flatMap(({ run, limit, rows }): Row[] => {
    if (rows.length === 0) return [{ ...runRow(run), pps: undefined, limit }];
    return rows.map((row) => ({
      ...{ ...runRow(run), ...spanRow(row), share: row.share, pps: row.pps },
      limit: row.share === 1 ? limit : undefined,
    }));
  });
  return { schema: "komon.sweep-max/1", columns, rows };
}
