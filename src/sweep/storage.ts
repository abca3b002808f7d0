/**
 * A sweep's folder. A run is measured into a hidden folder beside its place (`.RUN_….json.partial`);
 * its RUN_ file, written last, makes it whole, and then all of its files move to their names. So a
 * crash leaves either nothing under these names, or what the next start can finish.
 */
import {
  closeSync,
  type Dirent,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { KomonError, usageError } from "../base/errors.ts";
import type { RunResult } from "../model/result.ts";
import { type ResultKind, resultKinds, resultName } from "../results/names.ts";
import { readRunResult, writeRunResult } from "../results/runFile.ts";
import { cannotWrite } from "../results/wholeFile.ts";
import type { SweepRun } from "./runs.ts";

const partialName = /^\.(RUN_.*\.json)\.partial$/;

export class Storage {
  constructor(readonly folder: string) {
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw cannotWrite(folder, error);
    }
  }

  /** For looking only: nothing is made. Undefined when the folder is not there. */
  static existing(folder: string): Storage | undefined {
    return existsSync(folder) ? new Storage(folder) : undefined;
  }

  /** One of the run's files. */
  path(run: SweepRun, kind: ResultKind | "RUN" = "RUN"): string {
    return join(this.#place(run), resultName(kind, run.params));
  }

  /** Where to measure a run; empty. */
  begin(run: SweepRun): string {
    const partial = this.#partial(run);
    try {
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial, { recursive: true });
    } catch (error) {
      throw cannotWrite(partial, error);
    }
    return partial;
  }

  /** Gives a measured run's files their names; returns its result with these. */
  keep(run: SweepRun, measured: RunResult): RunResult {
    const partial = this.#partial(run);
    const place = this.#place(run);
    const path = this.path(run);
    const files = measured.files.map((file) => join(place, basename(file)));
    for (const file of measured.files) flush(file);
    writeRunResult(partial, { ...measured, files: [...files, path] });
    moveUp(partial);
    this.#forgetFailed(run);
    return readRunResult(path);
  }

  /** Forgets what was measured of a run. */
  discard(run: SweepRun): void {
    rmSync(this.#partial(run), { recursive: true, force: true });
    const place = this.#place(run);
    if (run.folder !== "" && existsSync(place)) removeEmpty(place);
  }

  /** Puts what a failed run measured aside; returns where, or undefined when there is nothing. */
  putAside(run: SweepRun): string | undefined {
    const partial = this.#partial(run);
    this.#forgetFailed(run);
    if (!existsSync(partial) || readdirSync(partial).length === 0) {
      this.discard(run);
      return undefined;
    }
    const aside = this.#failed(run);
    mkdirSync(dirname(aside), { recursive: true });
    renameSync(partial, aside);
    return aside;
  }

  /** After a crash: finishes the runs that were whole, removes the others. Returns how many of each. */
  recover(): { readonly finished: number; readonly removed: number } {
    let finished = 0;
    let removed = 0;
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true }) as Dirent[];
    for (const entry of entries) {
      const name = partialName.exec(entry.name)?.[1];
      if (name === undefined || !entry.isDirectory()) continue;
      const partial = join(entry.parentPath, entry.name);
      if (existsSync(join(partial, name))) {
        moveUp(partial);
        finished++;
      } else {
        rmSync(partial, { recursive: true });
        removed++;
      }
    }
    return { finished, removed };
  }

  /**
   * The result of a run that is done; undefined when it is to be measured.
   * *Fails when* there are files under its names that are no whole run, or one with other options.
   */
  done(run: SweepRun): RunResult | undefined {
    const path = this.path(run);
    if (existsSync(path)) {
      const result = readRunResult(path);
      const differs = difference(run, result);
      if (differs === undefined) return result;
      const mend = "give another --out folder, or move the old results away";
      throw usageError(`${path} is of another run: ${differs}`, mend);
    }
    for (const kind of resultKinds) {
      const file = join(this.#place(run), resultName(kind, run.params));
      if (!existsSync(file)) continue;
      throw usageError(
        `will not write over ${file}`,
        "give another --out folder, or move the old results away",
        "it exists, and its run has no RUN_ file, so komon sweep did not write it",
      );
    }
    return undefined;
  }

  #place(run: SweepRun): string {
    return join(this.folder, run.folder);
  }

  #partial(run: SweepRun): string {
    return join(this.#place(run), `.${resultName("RUN", run.params)}.partial`);
  }

  #failed(run: SweepRun): string {
    return join(this.#place(run), ".failed", resultName("RUN", run.params).replace(/\.json$/, ""));
  }

  #forgetFailed(run: SweepRun): void {
    const aside = this.#failed(run);
    if (!existsSync(aside)) return;
    rmSync(aside, { recursive: true });
    removeEmpty(dirname(aside));
  }
}

function removeEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Moves a whole run's files out of their folder, the RUN_ file last, and removes it. */
function moveUp(partial: string): void {
  const place = dirname(partial);
  const isRun = (name: string) => (name.startsWith("RUN_") ? 1 : 0);
  const names = readdirSync(partial).sort((a, b) => isRun(a) - isRun(b));
  for (const name of names) {
    const path = join(place, name);
    if (existsSync(path)) throw cannotWrite(path, Object.assign(new Error(), { code: "EEXIST" }));
    renameSync(join(partial, name), path);
  }
  rmSync(partial, { recursive: true });
  flush(place);
}

/** Hands a file, or a folder's names, to the device. */
function flush(path: string): void {
  try {
    const handle = openSync(path, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** What a result was measured with otherwise than the run asks for. */
function difference({ params, options }: SweepRun, result: RunResult): string | undefined {
  const asked: Readonly<Record<string, unknown>> = { ...params, ...options };
  const { sweep } = result.manifest as { sweep?: { options?: object } };
  const had: Readonly<Record<string, unknown>> = { ...result.params, ...sweep?.options };
  const names = new Set([...Object.keys(asked), ...(sweep ? Object.keys(had) : [])]);
  const differs = [...names].find((name) => asked[name] !== had[name]);
  if (differs === undefined) return undefined;
  const text = (value: unknown) => (value === undefined ? "none" : String(value));
  return `${differs} was ${text(had[differs])}, and is to be ${text(asked[differs])}`;
}

/** Whether an error says that the device, or the user's share of it, is full. */
export function isFull(error: unknown): boolean {
  const cause = error instanceof KomonError ? error.cause : error;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
