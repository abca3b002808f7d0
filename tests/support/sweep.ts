/** Sweeps of short runs, and what they write. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Table {
  readonly schema: string;
  readonly rows: readonly Record<string, string | number | boolean | null>[];
}

export interface SweepFile {
  readonly schema: string;
  readonly seed: number;
  readonly order: string;
  readonly files: readonly { path: string; text: string; sha256: string }[];
  readonly sessions: readonly { ended?: string; measured: number; host: Record<string, unknown> }[];
  readonly runs: readonly { line: number; state: string; why?: string; result: string }[];
}

/** Names in a folder, hidden ones too; none when it is not there. */
export const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
export const runFiles = (folder: string) => names(folder).filter((name) => name.startsWith("RUN_"));
export const hidden = (folder: string) => names(folder).filter((name) => name.startsWith("."));

export function digests(folder: string): Record<string, string> {
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
  const results = names(folder).filter((name) => /^[A-Z]+_/.test(name));
  return Object.fromEntries(results.map((name) => [name, digest(name)]));
}

export const sweepFile = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "SWEEP.json"), "utf8")) as SweepFile;

/** Short runs: one for each delay. */
export const lines = (delays: string) => `3 5 0.01 1k 64 ${delays}\n`;
/** An interval may take long where other tests keep the processors busy. */
export const patience = ["--timeout", "60s"];
export const out = ["--out", "/tmp/out", ...patience];
