import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KomonError, usageError } from "../base/errors.ts";
import type { RunResult } from "../model/result.ts";
import type { RunParams } from "../model/run.ts";
import { resultName } from "./names.ts";
import { reasonOf } from "./system.ts";
import { type WholeFileOptions, writeWhole } from "./wholeFile.ts";

/** Writes what a run found, with its manifest, beside its result files; returns the path. */
export function writeRunResult(
  folder: string,
  result: RunResult,
  options?: WholeFileOptions,
): string {
  const path = join(folder, resultName("RUN", result.params));
  writeWhole(path, `${JSON.stringify(result, undefined, 2)}\n`, options);
  return path;
}

/** *Fails when* the result of such a run is there already: to be asked before anything is measured. */
export function refuseExisting(folder: string, params: RunParams): void {
  const path = join(folder, resultName("RUN", params));
  if (!existsSync(path)) return;
  throw usageError(
    `${path} exists already`,
    "name another folder (--out), or another repetition (--rep)",
  );
}

/** *Fails when* the file cannot be read, is no JSON, or is not of schema komon.run/1. */
export function readRunResult(path: string): RunResult {
  let result: RunResult;
  try {
    result = JSON.parse(readFileSync(path, "utf8")) as RunResult;
  } catch (error) {
    const why = error instanceof SyntaxError ? `no JSON: ${error.message}` : reasonOf(error);
    throw new KomonError({ what: `cannot read ${path}`, why });
  }
  if (result?.schema !== "komon.run/1") {
    const why = `its schema is ${JSON.stringify(result?.schema)}, not "komon.run/1"`;
    throw new KomonError({ what: `${path} is not the result of a run`, why });
  }
  for (const part of ["params", "coverage", "spans", "manifest"] as const) {
    if (typeof result[part] === "object" && result[part] !== null) continue;
    throw new KomonError({ what: `${path} is not the result of a run`, why: `it has no ${part}` });
  }
  return result;
}
