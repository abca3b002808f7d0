/** Measures the runs of a sweep, one after the other, each saved before the next begins. */

import { join, relative } from "node:path";
import { KomonError, usageError } from "../base/errors.ts";
import { counted } from "../base/units.ts";
import type { Manifest, RunResult } from "../model/result.ts";
import type { Gap } from "../model/run.ts";
import { Estimate, expectedNs } from "./estimate.ts";
import { type RunRecord, readSweepFile, SweepFile, type SweepPlan } from "./manifest.ts";
import { judged, type MeasuredRun, type MeasureRun, type Outcome, oneLine } from "./outcome.ts";
import type { Progress } from "./progress.ts";
import type { SweepRun } from "./runs.ts";
import { seedOf } from "./seeds.ts";
import { isFull, Storage } from "./storage.ts";

export interface SweepOptions {
  readonly folder: string;
  readonly plan: SweepPlan;
  /** Go on with what the folder holds. */
  readonly resume: boolean;
  readonly gap: Gap;
  readonly host: Manifest;
  readonly measure: MeasureRun;
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

export class Sweep {
  readonly #storage: Storage;
  readonly #file: SweepFile;
  readonly #earlierNs: ReadonlyMap<string, number | undefined>;
  readonly #estimate = new Estimate();
  /** By RUN_ file. */
  readonly #outcomes = new Map<string, Outcome>();
  #measured = 0;
  #queue: readonly SweepRun[] = [];
  #restNs = 0;

  /** *Fails when* the folder cannot be written to, or holds a sweep already and `resume` is not set. */
  constructor(readonly options: SweepOptions) {
    const { folder, plan, resume, host } = options;
    this.#storage = new Storage(folder);
    const earlier = readSweepFile(folder);
    if (earlier && !resume) throw holdsSweep(folder);
    this.#earlierNs = new Map(earlier?.runs.map(({ result, taken_ns }) => [result, taken_ns]));
    this.#file = new SweepFile(folder, plan, earlier, host);
    if (resume) this.#recover();
  }

  /** How each run ended, in the order of measuring. */
  get outcomes(): Outcome[] {
    return [...this.#outcomes.values()].filter(({ state }) => state !== "waiting");
  }

  spansPath(run: SweepRun): string {
    return this.#storage.path(run, "SPANS");
  }

  get stopped(): boolean {
    return this.options.stop.aborted;
  }

  /** Runs measured now, not found. */
  get measured(): number {
    return this.#measured;
  }

  /**
   * Measures runs in this order, and gives how each ended. Those that are done already are taken as they are.
   * *Fails when* the device is full, or files are in the way; checked for all of them before anything runs.
   */
  async measureAll(runs: readonly SweepRun[]): Promise<Outcome[]> {
    const found = runs.map((run) => this.#found(run));
    const waiting = runs.filter((_, at) => found[at] === undefined);
    this.#queue = [...this.#queue, ...waiting];
    this.#restNs += waiting.reduce((sum, run) => sum + this.#expectedNs(run), 0);
    for (const [at, run] of runs.entries()) this.#enter(found[at] ?? { run, state: "waiting" });
    const all: Outcome[] = [];
    try {
      this.#file.save(this.#measured);
      for (const [at, run] of runs.entries()) all.push(found[at] ?? (await this.#measure(run)));
    } catch (error) {
      throw isFull(error) ? diskFull(error, this.options.folder) : error;
    }
    return all;
  }

  /** Closes the account; call it however the sweep ended. */
  end(): void {
    const { progress } = this.options;
    progress.end();
    try {
      this.#file.end();
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      progress.say(error.message);
    }
  }

  #recover(): void {
    const { finished, removed } = this.#storage.recover();
    const { progress } = this.options;
    const runs = (count: number) => `${counted(count, "run")} that a crash left`;
    if (finished > 0) progress.say(`finished saving ${runs(finished)}`);
    if (removed > 0) progress.say(`removed the beginning of ${runs(removed)}`);
  }

  #found(run: SweepRun): Outcome | undefined {
    const known = this.#outcomes.get(this.#storage.path(run));
    if (known !== undefined && known.state !== "waiting") return known;
    const result = this.#storage.done(run);
    if (result === undefined) return undefined;
    if (!this.options.resume) {
      throw usageError(
        `will not write over ${this.#storage.path(run)}`,
        "go on with --resume, or give another --out folder",
      );
    }
    return { run, result, ...judged(result) };
  }

  async #measure(run: SweepRun): Promise<Outcome> {
    if (this.stopped) return { run, state: "waiting" };
    const { progress, plan, measure } = this.options;
    const seed = seedOf(plan.seed, run);
    const expected = this.#expectedNs(run);
    this.#restNs -= expected;
    const remaining = (share: number) => this.#estimate.remainingNs(this.#restNs, expected, share);
    progress.begin(run, this.#measured, this.#queue.length, remaining);
    const began = performance.now();
    const outcome = await this.#attempt(run, () =>
      measure(run, seed, this.#storage.begin(run), (done, of) => progress.interval(done, of)),
    );
    const takenNs = (performance.now() - began) * 1e6;
    if (outcome.state !== "waiting") {
      this.#measured++;
      if (outcome.state !== "failed") this.#estimate.add(expected, takenNs);
      progress.done(outcome, this.#measured, this.#queue.length, remaining(1));
    }
    this.#enter(outcome, outcome.state === "waiting" ? undefined : takenNs);
    this.#file.save(this.#measured);
    return outcome;
  }

  async #attempt(run: SweepRun, measure: () => Promise<MeasuredRun>): Promise<Outcome> {
    try {
      const { result, failed } = await measure();
      if (failed === undefined) {
        const kept = this.#storage.keep(run, withLine(result, run));
        return { run, result: kept, ...judged(kept) };
      }
      if (!this.stopped) return this.#failed(run, oneLine(failed));
    } catch (error) {
      if (isFull(error)) {
        this.#storage.discard(run);
        throw error;
      }
      if (!(error instanceof KomonError)) throw error;
      if (!this.stopped) return this.#failed(run, oneLine(error.message));
    }
    this.#storage.discard(run);
    return { run, state: "waiting" };
  }

  #failed(run: SweepRun, why: string): Outcome {
    const aside = this.#storage.putAside(run);
    const kept = aside && relative(this.options.folder, aside);
    return { run, state: "failed", why: kept ? `${why}; what there is lies in ${kept}` : why };
  }

  #enter(outcome: Outcome, takenNs?: number): void {
    const { run, state, why } = outcome;
    this.#outcomes.set(this.#storage.path(run), outcome);
    const { file, line, params, options } = run;
    const { folder, plan } = this.options;
    const result = relative(folder, this.#storage.path(run));
    const taken = takenNs === undefined ? this.#earlierNs.get(result) : Math.round(takenNs);
    const record: RunRecord = {
      ...{ file, line, params, options, seed: seedOf(plan.seed, run), result, state },
      ...(why !== undefined && { why }),
      ...(taken !== undefined && { taken_ns: taken }),
    };
    this.#file.set(record);
  }

  #expectedNs(run: SweepRun): number {
    return expectedNs(run, this.options.gap);
  }
}

/** A result with what the sweep asked for, by which a resumed sweep knows it again. */
function withLine(result: RunResult, { file, line, options }: SweepRun): RunResult {
  return { ...result, manifest: { ...result.manifest, sweep: { file, line, options } } };
}

function holdsSweep(folder: string): KomonError {
  return usageError(
    `${join(folder, "SWEEP.json")}: this folder holds a sweep already`,
    "go on with it with --resume, or give another --out folder",
  );
}

function diskFull(error: unknown, folder: string): KomonError {
  const { what, why } =
    error instanceof KomonError ? error : { what: String(error), why: undefined };
  return new KomonError({
    what: `${what}: the sweep ends here`,
    ...(why !== undefined && { why }),
    mend: `free some space, and go on with --resume; the runs in ${folder} are whole`,
    exit: 1,
    cause: error,
  });
}
