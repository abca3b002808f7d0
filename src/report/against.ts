import type { Column, Row, Table } from "../model/table.ts";
import { resultName } from "../results/names.ts";
import { ecdfDistance } from "../stats/ecdf.ts";
import { meanOf } from "../stats/summary.ts";
import { holm, welch } from "../stats/welch.ts";
import type { CombinationReport } from "./combination.ts";
import { combinationKey } from "./folders.ts";
import { placeColumns, placeOf } from "./place.ts";
import type { Batches } from "./pool.ts";
import { type QuantityName, quantityNames } from "./quantity.ts";
import type { Report } from "./report.ts";

/** What is taken as one independent value: a repetition's figure, or that of a batch of one. */
export type NoiseUnit = "repetitions" | "batches";

/** One figure of one combination in two reports. */
export interface Difference {
  readonly a: CombinationReport;
  readonly b: CombinationReport;
  readonly quantity: QuantityName;
  readonly statistic: "p50" | "p99";
  readonly aNs: number;
  readonly bNs: number;
  /** a - b with its 95 % interval. */
  readonly differenceNs: number;
  readonly lowNs: number;
  readonly highNs: number;
  /** Raised for the number of comparisons (Holm). */
  readonly p: number;
  readonly differs: boolean;
  readonly unit: NoiseUnit;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Combinations that only one side has. */
  readonly onlyA: readonly CombinationReport[];
  readonly onlyB: readonly CombinationReport[];
}

/** From so many repetitions on, on both sides, they are the unit. */
export const enoughReps = 5;
const level = 0.05;

/**
 * Compares two reports, combination by combination. A figure differs when Welch's test over the
 * units says so at 5 % after Holm's correction over all figures compared. With fewer than five
 * repetitions the units are batches of one run, and what changes from run to run is not in the noise.
 */
export function compareReports(a: Report, b: Report): Comparison {
  const pairs = pairUp(a.combinations, b.combinations);
  const raw = pairs.flatMap(([one, other]) => compare(one, other));
  const adjusted = holm(raw.map(({ p }) => p));
  const differences = raw.map((one, at) => {
    return { ...one, p: adjusted[at], differs: adjusted[at] < level };
  });
  const paired = new Set(pairs.flat());
  return {
    differences,
    onlyA: a.combinations.filter((one) => !paired.has(one)),
    onlyB: b.combinations.filter((one) => !paired.has(one)),
  };
}

type Pair = readonly [CombinationReport, CombinationReport];

/** The very same combinations; of the rest, those that differ in nothing but the sampling. */
function pairUp(a: readonly CombinationReport[], b: readonly CombinationReport[]): Pair[] {
  const exact = pairBy((one) => `${one.below}/${combinationKey(one)}`, a, b);
  const taken = new Set(exact.flat());
  const rest = (all: readonly CombinationReport[]) => all.filter((one) => !taken.has(one));
  return [...exact, ...pairBy(relaxedKey, rest(a), rest(b))];
}

/** Pairs whose key exactly one on each side has. */
function pairBy(
  keyOf: (one: CombinationReport) => string,
  a: readonly CombinationReport[],
  b: readonly CombinationReport[],
): Pair[] {
  const [ofA, ofB] = [Map.groupBy(a, keyOf), Map.groupBy(b, keyOf)];
  return [...ofA].flatMap(([key, ones]) => {
    const others = ofB.get(key) ?? [];
    return ones.length === 1 && others.length === 1 ? [[ones[0], others[0]] as const] : [];
  });
}

/** Rate, size, delay and law; not how much was sampled, nor whose names the files have. */
function relaxedKey({ below, params }: CombinationReport): string {
  const sampling = { intervals: 0, packets: 0, sleepNs: 0, rep: 0 };
  return `${below}/${resultName("KERNEL", { ...params, ...sampling })}`;
}

function compare(a: CombinationReport, b: CombinationReport): Omit<Difference, "differs">[] {
  const differences: Omit<Difference, "differs">[] = [];
  for (const quantity of quantityNames) {
    const [one, other] = [a.quantities[quantity], b.quantities[quantity]];
    if (one === undefined || other === undefined) continue;
    for (const statistic of ["p50", "p99"] as const) {
      const unit = unitOf(one.batches, other.batches);
      const x = valuesOf(one.batches, statistic, unit);
      const y = valuesOf(other.batches, statistic, unit);
      if (x.length < 2 || y.length < 2) continue;
      const { low, high, p } = welch(x, y);
      const half = (high - low) / 2;
      const aNs = one.summary[`${statistic}_ns`];
      const bNs = other.summary[`${statistic}_ns`];
      const differenceNs = aNs - bNs;
      const interval = { lowNs: differenceNs - half, highNs: differenceNs + half };
      differences.push({ a, b, quantity, statistic, aNs, bNs, differenceNs, ...interval, p, unit });
    }
  }
  return differences;
}

function unitOf(a: readonly Batches[], b: readonly Batches[]): NoiseUnit {
  const filled = (batches: readonly Batches[]) =>
    batches.filter(({ p50 }) => p50.length > 0).length;
  return Math.min(filled(a), filled(b)) >= enoughReps ? "repetitions" : "batches";
}

function valuesOf(reps: readonly Batches[], statistic: "p50" | "p99", unit: NoiseUnit): number[] {
  const batches = reps.map((rep) => rep[statistic]).filter((values) => values.length > 0);
  return unit === "batches" ? batches.flat() : batches.map(meanOf);
}

const columns: readonly Column[] = [
  { key: "folder", unit: "text" },
  { key: "pps", unit: "number" },
  { key: "delay_us", unit: "number" },
  { key: "law", unit: "number" },
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
];

/** Every figure that was compared, for machines. */
export function againstTable({ differences }: Comparison): Table {
  return { schema: "komon.report.against/1", columns, rows: differences.map(rowOf) };
}

function rowOf(one: Difference): Row {
  return {
    folder: one.a.below,
    pps: one.a.params.pps,
    delay_us: one.a.params.delayNs / 1000,
    law: one.a.params.law,
    time: one.quantity,
    statistic: one.statistic,
    a_ns: one.aNs,
    b_ns: one.bNs,
    difference_ns: one.differenceNs,
    low_ns: one.lowNs,
    high_ns: one.highNs,
    ratio: one.aNs / one.bNs,
    p: one.p,
    ks: ksOf(one),
    unit: one.unit,
    differs: one.differs,
  };
}

/** Kolmogorov-Smirnov distance of the curves as kept: good to half a percent. */
function ksOf({ a, b, quantity }: Difference): number {
  const curve = (of: CombinationReport) => of.quantities[quantity]?.ecdf ?? [];
  return ecdfDistance(curve(a), curve(b));
}

/** For humans, below 80 columns: only what differs. */
export function differenceTable({ differences }: Comparison): Table {
  return {
    schema: "komon.report.differences/1",
    columns: [
      ...placeColumns,
      { key: "time", unit: "text" },
      { key: "statistic", title: "", unit: "text" },
      { key: "a", title: "A", unit: "ns" },
      { key: "b", title: "B", unit: "ns" },
      { key: "difference", title: "A - B", unit: "ns" },
      { key: "half", title: "±95 %", unit: "ns" },
    ],
    rows: differences
      .filter(({ differs }) => differs)
      .map((one) => ({
        ...placeOf(one.a),
        time: one.quantity,
        statistic: one.statistic,
        a: one.aNs,
        b: one.bNs,
        difference: one.differenceNs,
        half: (one.highNs - one.lowNs) / 2,
      })),
  };
}
