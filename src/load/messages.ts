/** What the main thread and the load thread say to each other. */
import type { ErrorParts } from "../base/errors.ts";
import type { ArrivalKind } from "./arrivals.ts";

export interface LoadConfig {
  readonly fds: Int32Array;
  readonly pps: number;
  readonly payloadBytes: number;
  readonly arrivals: ArrivalKind;
  /** Packets per burst. */
  readonly burst: number;
  readonly count: number;
  readonly durationNs: number;
  readonly identical: boolean;
  readonly seed: number;
  readonly cpu?: number | undefined;
  readonly control: SharedArrayBuffer;
}

/** What was sent, and when: see {@link Generator}. */
export interface LoadCounters {
  readonly sent: number;
  readonly refused: number;
  readonly errors: Uint32Array;
  readonly lateness: Float64Array;
  readonly latestNs: number;
  readonly firstNs: number;
  readonly lastNs: number;
  readonly firstDueNs: number;
  readonly lastDueNs: number;
  readonly nextDueNs: number;
}

export type LoadMessage =
  | { readonly kind: "ready"; readonly tid: number }
  | { readonly kind: "done"; readonly counters: LoadCounters }
  | { readonly kind: "failed"; readonly error: ErrorParts };
