import type { Column, Row, Table } from "../../model/table.ts";
import { cellText } from "../../sinks/cell.ts";
import { placeColumnsOf, placeOf } from "../place.ts";
import { coverageOf } from "../tables.ts";
import type { Comparison, Difference, Pair } from "./compare.ts";

const columns: readonly Column[] = [
  { key: "folder", unit: "text" },
  { key: "pps", unit: "number" },
  { key: "delay_us", unit: "number" },
  { key: "law", unit: "number" },
  { key: "size_bytes", unit: "bytes" },
  { key: "intervals", unit: "number" },
  { key: "packets", unit: "number" },
  { key: "sleep_ns", unit: "ns" },
  { key: "time", unit: "text" },
  { key: "statistic", unit: "text" },
  { key: "a_ns", title: "A", unit: "ns" },
  { key: "b_ns", title: "B", unit: "ns" },
  { key: "difference_ns", title: "A - B", unit: "ns" },
  { key: "low_ns", unit: "ns" },
  { key: "high_ns", unit: "ns" },
  { key: "ratio", unit: "number" },
  { key: "p", unit: "number" },
  { key: "ks", unit: "number" },
  { key: "unit", unit: "text" },
  { key: "differs", unit: "text" },
  { key: "a_reps", unit: "number" },
  { key: "b_reps", unit: "number" },
  { key: "a_coverage", unit: "ratio" },
  { key: "b_coverage", unit: "ratio" },
  { key: "a_lost", unit: "count" },
  { key: "b_lost", unit: "count" },
];

/** Every figure that was compared, for machines. */
export function againstTable({ differences }: Comparison): Table {
  return { schema: "komon.report.against/1", columns, rows: differences.map(rowOf) };
}

function rowOf(one: Difference): Row {
  const { a, b } = one;
  return {
    folder: a.below,
    pps: a.params.pps,
    delay_us: a.params.delayNs / 1000,
    law: a.params.law,
    size_bytes: a.params.sizeBytes,
    intervals: a.params.intervals,
    packets: a.params.packets,
    sleep_ns: a.params.sleepNs,
    time: one.quantity,
    statistic: one.statistic,
    a_ns: one.aNs,
    b_ns: one.bNs,
    difference_ns: one.differenceNs,
    low_ns: one.lowNs,
    high_ns: one.highNs,
    ratio: one.aNs / one.bNs,
    p: one.p,
    ks: one.ks,
    unit: one.unit,
    differs: one.differs,
    a_reps: a.reps.length,
    b_reps: b.reps.length,
    a_coverage: coverageOf(a),
    b_coverage: coverageOf(b),
    a_lost: a.coverage?.lost,
    b_lost: b.coverage?.lost,
  };
}

/** For humans, below 80 columns: these figures, or those that differ. */
export function differenceTable(
  comparison: Comparison,
  which: readonly Difference[] = comparison.differences.filter(({ differs }) => differs),
): Table {
  return {
    schema: "komon.report.differences/1",
    columns: [
      ...placeColumnsOf(comparison.pairs.map(([a]) => a)),
      { key: "figure", unit: "text" },
      { key: "a", title: "A", unit: "ns" },
      { key: "b", title: "B", unit: "ns" },
      { key: "difference", title: "A - B", unit: "ns" },
      { key: "half", title: "±95 %", unit: "ns" },
      { key: "ks", title: "KS", unit: "text" },
    ],
    rows: which.map((one) => ({
      ...placeOf(one.a),
      figure: `${one.quantity} ${one.statistic}`,
      a: one.aNs,
      b: one.bNs,
      difference: one.differenceNs,
      half: (one.highNs - one.lowNs) / 2,
      ks: one.ks.toFixed(2),
    })),
  };
}

/** For humans, below 80 columns: packets and coverage of either side, of all pairs that have a RUN_ file. */
export function coverageTable(pairs: readonly Pair[]): Table {
  return {
    schema: "komon.report.coverages/1",
    columns: [
      ...placeColumnsOf(pairs.map(([a]) => a)),
      { key: "a_seen", title: "seen A", unit: "count" },
      { key: "b_seen", title: "seen B", unit: "count" },
      { key: "a_coverage", title: "matched A", unit: "ratio" },
      { key: "b_coverage", title: "matched B", unit: "ratio" },
    ],
    rows: pairs
      .filter((pair) => pair.every(({ coverage }) => coverage !== undefined))
      .map(([a, b]) => ({
        ...placeOf(a),
        a_seen: a.coverage?.seen,
        b_seen: b.coverage?.seen,
        a_coverage: coverageOf(a),
        b_coverage: coverageOf(b),
      })),
  };
}

/** Pairs whose coverage, as printed, is not the same. */
export function unlikeCoverage({ pairs }: Comparison): Pair[] {
  const text = (one: Pair[number]) => cellText(coverageOf(one), "ratio");
  return pairs.filter(([a, b]) => text(a) !== text(b));
}
