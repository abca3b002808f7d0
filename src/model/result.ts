import type { Point } from "./points.ts";
import type { RunParams } from "./run.ts";
import type { Span } from "./spans.ts";

/** Statistics of one set of times. Percentiles are nearest rank; `sd_ns` divides by n - 1. */
export interface Summary {
  readonly count: number;
  readonly mean_ns: number;
  readonly sd_ns: number;
  readonly min_ns: number;
  readonly p50_ns: number;
  readonly p90_ns: number;
  readonly p99_ns: number;
  readonly p999_ns: number;
  readonly max_ns: number;
}

/** Statistics of measured - truth on the same packet. */
export interface ErrorSummary {
  readonly pairs: number;
  readonly mean_ns: number;
  readonly p50_ns: number;
  readonly p99_ns: number;
  /** Mean of |error|. */
  readonly mae_ns: number;
  /** Median of |error - median(error)|: what is left once a constant offset is removed. */
  readonly residual_p50_ns: number;
}

/**
 * Where every packet went. Always true:
 * `seen = matched + expired + collided + filtered + in_flight` and `matched = delivered + lost`.
 */
export interface Coverage {
  readonly seen: number;
  readonly matched: number;
  readonly expired: number;
  readonly collided: number;
  readonly filtered: number;
  readonly in_flight: number;
  /** Matched packets whose record reached user space. */
  readonly delivered: number;
  readonly lost: number;
}

export interface HookChoice {
  readonly rung: string;
  readonly hook: string;
}

export interface ProgramCost {
  readonly program: string;
  readonly runs: number;
  readonly ns_per_run: number;
}

export interface LoadReport {
  readonly offered_pps: number;
  /** Null when all packets were due at once. */
  readonly sent_pps: number | null;
  readonly sent: number;
  readonly refused: number;
}

/** Conditions of a measurement: everything needed to judge it, and to repeat it. */
export interface Manifest {
  readonly [key: string]: unknown;
}

/** What `komon run --format json` prints. */
export interface RunResult {
  readonly schema: "komon.run/1";
  readonly params: RunParams;
  readonly hooks: Readonly<Partial<Record<Point, HookChoice>>>;
  readonly coverage: Coverage;
  readonly spans: Readonly<Partial<Record<Span, Summary>>>;
  readonly truth?: Summary;
  /** What the example VNF counted itself, sampled or not. */
  readonly vnf?: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly sent_twice: number;
  };
  readonly error?: {
    readonly service: ErrorSummary;
    readonly sojourn: ErrorSummary;
    /** Service with the calibrated offset taken off; only where a calibration applies. */
    readonly corrected?: ErrorSummary;
  };
  /** Service times less the calibrated offset of the instrument; only where a calibration applies. */
  readonly corrected?: {
    readonly offset_ns: number;
    readonly uncertainty_ns: number;
    readonly service: Summary;
  };
  readonly cost: {
    readonly programs: readonly ProgramCost[];
    readonly ns_per_packet: number;
    /** Packets that passed the VNF while it was counted. */
    readonly packets: number;
  };
  readonly load?: LoadReport;
  readonly files: readonly string[];
  readonly manifest: Manifest;
}
