/** `--until-ci`: repeats each combination until the median of its service times is known well enough. */

import { readSpansLog } from "../results/spansFile.ts";
import { batchMedianInterval } from "../stats/batch.ts";
import type { Interval } from "../stats/interval.ts";
import { relativeHalfWidth } from "../stats/interval.ts";
import { groupRuns } from "./groups.ts";
import { type Order, ordered } from "./order.ts";
import type { Outcome } from "./outcome.ts";
import type { SweepRun } from "./runs.ts";

export interface UntilCi {
  /** Half the interval's width as a share of the median. */
  readonly width: number;
  readonly minReps: number;
  readonly maxReps: number;
}

export interface CombinationInterval {
  readonly run: SweepRun;
  readonly reps: number;
  readonly count: number;
  /** 95 %, by batch means over all repetitions in their order. */
  readonly interval: Interval;
  readonly reached: boolean;
}

export interface Repeating {
  readonly goal: UntilCi;
  readonly order: Order;
  readonly seed: number;
  readonly measureAll: (runs: readonly SweepRun[]) => Promise<Outcome[]>;
  /** Where a run's SPANS_ file lies. */
  readonly spansPath: (run: SweepRun) => string;
  readonly stop: AbortSignal;
}

/** Round by round: in each, all combinations that are not known well enough yet are measured once more. */
export async function repeatUntil(
  runs: readonly SweepRun[],
  { goal, order, seed, measureAll, spansPath, stop }: Repeating,
): Promise<CombinationInterval[]> {
  const all = [...groupRuns(runs, ["rep"]).values()].map(([run]) => new Combination(run, goal));
  for (let rep = 1; rep <= goal.maxReps && !stop.aborted; rep++) {
    const open = new Map<SweepRun, Combination>();
    for (const one of all.filter(({ isOver }) => !isOver)) {
      open.set({ ...one.run, params: { ...one.run.params, rep } }, one);
    }
    const round = ordered([...open.keys()], order, seed + rep);
    for (const [at, { state }] of (await measureAll(round)).entries()) {
      if (state === "done" || state === "incomplete")
        open.get(round[at])?.add(spansPath(round[at]));
    }
  }
  return all.map((one) => one.found());
}

/** A parameter combination and the service times of its repetitions. */
class Combination {
  readonly #values: Float64Array[] = [];
  #interval: Interval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };

  constructor(
    readonly run: SweepRun,
    readonly goal: UntilCi,
  ) {}

  get isOver(): boolean {
    const { width, minReps } = this.goal;
    return this.#values.length >= minReps && relativeHalfWidth(this.#interval) <= width;
  }

  /** Adds the service times of one repetition. */
  add(spansPath: string): void {
    const { ns, length } = readSpansLog(spansPath, 1000, () => {});
    this.#values.push(ns.service.subarray(0, length).filter((value) => !Number.isNaN(value)));
    this.#interval = batchMedianInterval(joined(this.#values));
  }

  found(): CombinationInterval {
    const count = this.#values.reduce((sum, one) => sum + one.length, 0);
    const { run } = this;
    return {
      run,
      reps: this.#values.length,
      count,
      interval: this.#interval,
      reached: this.isOver,
    };
  }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
