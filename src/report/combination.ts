import type { Coverage, ErrorSummary, LoadReport, RunResult } from "../model/result.ts";
import type { RunParams } from "../model/run.ts";
import type { NameScheme } from "../results/names.ts";
import type { Interval } from "../stats/interval.ts";
import type { KsResult } from "../stats/ks.ts";
import type { RowDifferences } from "./pairing.ts";
import type { Quantities, Sample } from "./quantity.ts";

/** KERNEL_ (`sojourn`) against VNF_ (`truth`), as samples. */
export interface SampleComparison extends RowDifferences {
  /** Difference of the means, with its 95 % interval over intervals. */
  readonly bias: Interval;
  readonly ks: KsResult;
}

/** Measured - truth of the same packets; `corrected`: of service, the calibrated offset taken off. */
export const errorNames = ["service", "sojourn", "corrected"] as const;
export type ErrorName = (typeof errorNames)[number];

/** One error of a combination: of every sampled packet, all repetitions together. */
export interface SpanError extends Sample {
  readonly summary: ErrorSummary;
}

/** The socket's queue at the start of the intervals. */
export interface BufferSummary {
  readonly intervals: number;
  /** Intervals that began with something in the queue. */
  readonly filled: number;
  readonly mean_bytes: number;
  readonly p50_bytes: number;
  readonly p90_bytes: number;
  readonly max_bytes: number;
}

/** What a report says about one parameter combination in one folder. */
export interface CombinationReport {
  readonly folder: string;
  /** The folder's place below the path that was given. */
  readonly below: string;
  readonly scheme: NameScheme;
  readonly params: RunParams;
  readonly reps: readonly number[];
  readonly quantities: Readonly<Quantities>;
  readonly comparison?: SampleComparison;
  /** Whether rows of VNF_ and KERNEL_ are the same packets: only then is there an error. */
  readonly samePackets: boolean;
  readonly error?: Readonly<Partial<Record<ErrorName, SpanError>>>;
  readonly buffer?: BufferSummary;
  /** Sums over the repetitions' RUN_ files. */
  readonly coverage?: Coverage;
  readonly load?: LoadReport;
  readonly runs: readonly RunResult[];
  readonly notes: readonly string[];
}
