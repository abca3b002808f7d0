import { formatNs } from "../base/units.ts";
import type { RunResult } from "../model/result.ts";
import { latestNs } from "./lateness.ts";
import type { RunState } from "./manifest.ts";
import type { SweepRun } from "./runs.ts";

/** What measuring a run gave. */
export interface MeasuredRun {
  readonly result: RunResult;
  /** Why there is no usable result: the VNF died, a pair was wrong. */
  readonly failed?: string;
}

/** Measures one run with its files in `folder`. */
export type MeasureRun = (
  run: SweepRun,
  seed: number,
  folder: string,
  interval: (done: number, of: number) => void,
) => Promise<MeasuredRun>;

/** How a run ended; `waiting` when it was interrupted. */
export interface Outcome {
  readonly run: SweepRun;
  readonly state: RunState;
  readonly result?: RunResult;
  readonly why?: string;
}

/** An error's what, why and mend, one after the other. */
export function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, "; ");
}

/** A load that is later than this was kept from running. */
const noticeableNs = 100e6;

/** Whether a result has all that was asked for. */
export function judged({ params, manifest, load }: RunResult): { state: RunState; why?: string } {
  const { intervals } = params;
  const done = Number(manifest.intervals_done ?? intervals);
  const missing = intervals - done + Number(manifest.incomplete_intervals ?? 0);
  if (missing === 0) return { state: "done" };
  const late = latestNs(load) ?? 0;
  const stood = late > noticeableNs ? `; the load was up to ${formatNs(late)} behind` : "";
  const why = `not all packets of ${missing} of ${intervals} intervals came${stood}`;
  return { state: "incomplete", why };
}
