import type { Gap } from "../model/run.ts";
import type { SweepRun } from "./runs.ts";

/** Testbed, VNF, load and programs, and what watching costs, measured at the end. */
const aroundNs = 2e9;

/** How long a run takes, in ns, if the load keeps its rate. */
export function expectedNs({ params, options }: SweepRun, gap: Gap): number {
  return params.intervals * intervalNs({ params, options }, gap) + aroundNs;
}

/** One interval and the pause after it. */
export function intervalNs({ params, options }: Pick<SweepRun, "params" | "options">, gap: Gap) {
  const { packets, pps, sleepNs } = params;
  const pauses = (options.gap ?? gap) === "fixed+exp" ? 2 : 1;
  return pauses * sleepNs + (packets * 1e9) / pps;
}

/** How much longer a sweep takes: what is expected, corrected by how long the runs so far took. */
export class Estimate {
  #expectedNs = 0;
  #takenNs = 0;

  add(expectedNs: number, takenNs: number): void {
    this.#expectedNs += expectedNs;
    this.#takenNs += takenNs;
  }

  /** `share` of the run that is being measured is done already. */
  remainingNs(restNs: number, currentNs = 0, share = 0): number {
    const ratio = this.#expectedNs > 0 ? this.#takenNs / this.#expectedNs : 1;
    return ratio * (restNs + currentNs * (1 - share));
  }
}

/** `45 s`, `12 min`, `3 h 20 min`: as exact as such a guess deserves. */
export function aboutText(ns: number): string {
  const seconds = Math.round(ns / 1e9);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
