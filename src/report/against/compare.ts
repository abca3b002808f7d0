import { resultName } from "../../results/names.ts";
import { ecdfDistance } from "../../stats/ecdf.ts";
import { half } from "../../stats/interval.ts";
import { meanOf } from "../../stats/summary.ts";
import { holm, welch } from "../../stats/welch.ts";
import type { CombinationReport } from "../combination.ts";
import { combinationKey } from "../folders.ts";
import type { Batches } from "../pool.ts";
import { quantityNames, type Sample } from "../quantity.ts";
import type { Report } from "../report.ts";

/** What is compared: the times, and the error of service against the truth, raw and corrected. */
const comparedNames = [...quantityNames, "error", "corrected"] as const;
export type ComparedName = (typeof comparedNames)[number];

/** What is taken as one independent value: a repetition's figure, or that of a batch of one. */
export type NoiseUnit = "repetitions" | "batches";

/** One figure of one combination in two reports. */
export interface Difference {
  readonly a: CombinationReport;
  readonly b: CombinationReport;
  readonly quantity: ComparedName;
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
  /** Kolmogorov-Smirnov distance of the curves as kept: good to half a percent. */
  readonly ks: number;
  readonly unit: NoiseUnit;
}

/** The same combination of either side. */
export type Pair = readonly [a: CombinationReport, b: CombinationReport];

export interface Comparison {
  readonly pairs: readonly Pair[];
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
    pairs,
    differences,
    onlyA: a.combinations.filter((one) => !paired.has(one)),
    onlyB: b.combinations.filter((one) => !paired.has(one)),
  };
}

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
  for (const quantity of comparedNames) {
    const [one, other] = [comparedOf(a, quantity), comparedOf(b, quantity)];
    if (one === undefined || other === undefined) continue;
    const ks = ecdfDistance(one.ecdf, other.ecdf);
    for (const statistic of ["p50", "p99"] as const) {
      const unit = unitOf(one.batches, other.batches);
      const x = valuesOf(one.batches, statistic, unit);
      const y = valuesOf(other.batches, statistic, unit);
      if (x.length < 2 || y.length < 2) continue;
      const { p, ...noise } = welch(x, y);
      const width = half({ value: 0, ...noise });
      const aNs = one.summary[`${statistic}_ns`];
      const bNs = other.summary[`${statistic}_ns`];
      const differenceNs = aNs - bNs;
      const interval = { lowNs: differenceNs - width, highNs: differenceNs + width };
      const figures = { quantity, statistic, aNs, bNs, differenceNs, ...interval };
      differences.push({ a, b, ...figures, p, ks, unit });
    }
  }
  return differences;
}

interface Compared extends Sample {
  readonly summary: { readonly p50_ns: number; readonly p99_ns: number };
}

function comparedOf(
  { quantities, error }: CombinationReport,
  name: ComparedName,
): Compared | undefined {
  if (name === "error") return error?.service;
  return name === "corrected" ? error?.corrected : quantities[name];
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
