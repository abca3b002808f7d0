/** SWEEP.json, beside the results: everything needed to repeat a sweep, and how each run went. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KomonError, usageError } from "../base/errors.ts";
import type { Manifest } from "../model/result.ts";
import type { RunParams } from "../model/run.ts";
import { reasonOf } from "../results/system.ts";
import { writeWhole } from "../results/wholeFile.ts";
import type { Order } from "./order.ts";
import type { LineOptions, ParameterFile } from "./runs.ts";

const schema = "komon.sweep/1";

/**
 * `waiting`: not yet, or interrupted. `incomplete`: measured, but not all packets of all intervals came.
 * `failed`: no result; a resumed sweep measures it again.
 */
export type RunState = "waiting" | "done" | "incomplete" | "failed";

/** What decides about each run besides its line; the same in all sessions of a sweep. */
export type Settings = Readonly<Record<string, unknown>>;

export interface RunRecord {
  /** Where the parameters stand: file and line. */
  readonly file: string;
  readonly line: number;
  readonly params: RunParams;
  readonly options: LineOptions;
  readonly seed: number;
  /** The RUN_ file, from the sweep's folder. */
  readonly result: string;
  readonly state: RunState;
  readonly why?: string;
  readonly taken_ns?: number;
}

/** One call of `komon sweep`. */
export interface SessionRecord {
  readonly started: string;
  readonly ended?: string;
  /** Runs measured in it. */
  readonly measured: number;
  /** komon, kernel, processor…: as in the RUN_ files. */
  readonly host: Manifest;
}

export interface SweepRecord {
  readonly schema: typeof schema;
  readonly seed: number;
  readonly order: Order;
  readonly mode: Settings;
  readonly settings: Settings;
  readonly files: readonly (ParameterFile & { readonly sha256: string })[];
  readonly sessions: readonly SessionRecord[];
  readonly runs: readonly RunRecord[];
}

/** What a sweep begins with. */
export type SweepPlan = Omit<SweepRecord, "schema" | "files" | "sessions" | "runs"> & {
  readonly files: readonly ParameterFile[];
};

/** Of the time that writing takes, at most this share goes into it: the list of runs may be long. */
const writeShare = 0.02;

export class SweepFile {
  readonly #path: string;
  readonly #runs = new Map<string, RunRecord>();
  #record: SweepRecord;
  #nextWrite = 0;

  constructor(folder: string, plan: SweepPlan, earlier: SweepRecord | undefined, host: Manifest) {
    this.#path = sweepPath(folder);
    const files = plan.files.map((file) => ({ ...file, sha256: sha256(file.text) }));
    const session = { started: new Date().toISOString(), measured: 0, host };
    const sessions = [...(earlier?.sessions ?? []), session];
    this.#record = { schema, ...plan, files, sessions, runs: [] };
  }

  set(record: RunRecord): void {
    this.#runs.set(record.result, record);
  }

  /** Writes it after a run, unless that was too short for it. */
  save(measured: number): void {
    this.#session({ measured });
    const began = performance.now();
    if (began < this.#nextWrite) return;
    this.#write();
    const now = performance.now();
    this.#nextWrite = now + (now - began) / writeShare;
  }

  /** Writes it for the last time; nothing when nothing was begun. */
  end(): void {
    if (this.#nextWrite === 0) return;
    this.#session({ ended: new Date().toISOString() });
    this.#write();
  }

  #session(change: Partial<SessionRecord>): void {
    const earlier = this.#record.sessions.slice(0, -1);
    const session = { ...(this.#record.sessions.at(-1) as SessionRecord), ...change };
    this.#record = { ...this.#record, sessions: [...earlier, session] };
  }

  #write(): void {
    const record = { ...this.#record, runs: [...this.#runs.values()] };
    writeWhole(this.#path, `${JSON.stringify(record, undefined, 1)}\n`, { replace: true });
  }
}

function sweepPath(folder: string): string {
  return join(folder, "SWEEP.json");
}

/** The sweep that a folder holds, if it does. */
export function readSweepFile(folder: string): SweepRecord | undefined {
  const path = sweepPath(folder);
  if (!existsSync(path)) return undefined;
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as SweepRecord;
    if (record?.schema === schema) return record;
  } catch (error) {
    throw new KomonError({ what: `cannot read ${path}`, why: reasonOf(error) });
  }
  throw new KomonError({
    what: `${path} is no manifest of a sweep`,
    why: `its schema: not ${schema}`,
  });
}

/**
 * Refuses to go on with a sweep whose runs would be measured otherwise than those that are there.
 * Files may have changed: every run is compared with its own result.
 */
export function requireSame(folder: string, earlier: SweepRecord, settings: Settings): void {
  const names = [...new Set([...Object.keys(settings), ...Object.keys(earlier.settings)])];
  const text = (value: unknown) => JSON.stringify(value) ?? "none";
  const differs = names.filter((name) => text(settings[name]) !== text(earlier.settings[name]));
  if (differs.length === 0) return;
  const list = differs.map((name) => {
    return `${name} was ${text(earlier.settings[name])}, and is to be ${text(settings[name])}`;
  });
  throw usageError(
    `cannot go on with the sweep in ${folder}: ${list.join("; ")}`,
    "give the flags it was begun with, or another --out folder",
  );
}

/** Files whose content has changed since a sweep began, or that are new to it. */
export function changedFiles(earlier: SweepRecord, files: readonly ParameterFile[]): string[] {
  const known = new Set(earlier.files.map((file) => file.sha256));
  return files.filter(({ text }) => !known.has(sha256(text))).map(({ path }) => path);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
