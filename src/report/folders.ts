import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { usageError } from "../base/errors.ts";
import type { RunParams } from "../model/run.ts";
import type { RowProblem } from "../results/lines.ts";
import { type NameScheme, parseResultName, type ResultKind, resultName } from "../results/names.ts";
import { reasonOf } from "../results/system.ts";

/** The files of one repetition. */
export interface RepetitionFiles {
  readonly params: RunParams;
  /** Paths by kind; what is not there was not written. */
  readonly files: Partial<Record<ResultKind | "RUN", string>>;
}

/** A parameter combination in one folder, with its repetitions in order. */
export interface CombinationFiles {
  readonly folder: string;
  /** The folder's place below the path that was given; empty at its top. */
  readonly below: string;
  readonly scheme: NameScheme;
  readonly params: RunParams;
  readonly repetitions: readonly RepetitionFiles[];
}

/** One per line of the report: rate, then law, then delay, as the tables of a paper go. */
const order = (a: CombinationFiles, b: CombinationFiles): number =>
  compareText(a.folder, b.folder) ||
  a.params.law - b.params.law ||
  a.params.delayNs - b.params.delayNs ||
  a.params.pps - b.params.pps ||
  compareText(combinationKey(a), combinationKey(b));

/** Plain code units: the same order in every locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What makes two runs the same combination: everything in the name but the repetition. */
export function combinationKey({ params, scheme }: Pick<CombinationFiles, "params" | "scheme">) {
  return `${scheme}/${resultName("KERNEL", { ...params, rep: 0 })}`;
}

/**
 * Finds result files of all naming schemes in folders and what lies below them; a path may be a
 * single file as well, and stands for its combination's files of the same repetition.
 * *Fails when* a path is not there, or there is no result file at all.
 */
export function findResults(
  paths: readonly string[],
  onProblem: (problem: RowProblem) => void,
): CombinationFiles[] {
  const found = new Map<string, FoundCombination>();
  for (const path of paths) {
    let any = false;
    for (const file of filesOf(path)) any = take(file, path, found, onProblem) || any;
    if (!any) onProblem({ file: path, line: 0, what: "no result files here" });
  }
  if (found.size === 0) {
    throw usageError(
      `no result files in ${paths.join(", ")}`,
      "name a folder with files such as KERNEL_1000pps_128byte_0.1_50_100_10_0_1.log",
    );
  }
  return [...found.values()].map(combinationOf).sort(order);
}

interface FoundCombination extends Omit<CombinationFiles, "params" | "repetitions"> {
  readonly reps: Map<number, RepetitionFiles>;
}

function take(
  file: string,
  root: string,
  found: Map<string, FoundCombination>,
  onProblem: (problem: RowProblem) => void,
): boolean {
  const name = basename(file);
  const isRun = /^RUN_.*\.json$/.test(name);
  const parsed = parseResultName(isRun ? name.replace(/^RUN_(.*)json$/, "KERNEL_$1log") : name);
  if (parsed === undefined) {
    if (name.endsWith(".log"))
      onProblem({ file, line: 0, what: "its name is none of a result file" });
    return false;
  }
  const { params, scheme } = parsed;
  const folder = dirname(file);
  const key = `${folder}/${combinationKey(parsed)}`;
  const below = relative(root, folder).replace(/^\.\.$/, "");
  const combination = found.get(key) ?? { folder, below, scheme, reps: new Map() };
  found.set(key, combination);
  const repetition = combination.reps.get(params.rep) ?? { params, files: {} };
  combination.reps.set(params.rep, repetition);
  repetition.files[isRun ? "RUN" : parsed.kind] = file;
  return true;
}

function combinationOf({ folder, below, scheme, reps }: FoundCombination): CombinationFiles {
  const repetitions = [...reps.values()].sort((a, b) => a.params.rep - b.params.rep);
  return { folder, below, scheme, params: repetitions[0].params, repetitions };
}

/**
 * All files below a folder in order of their names; links are not followed below it. What is hidden,
 * or in a hidden folder, is no result: a sweep keeps there what it measures now, and what failed.
 */
function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return siblings(path);
    const entries = readdirSync(path, { recursive: true, withFileTypes: true }) as Dirent[];
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/(^|\/)\./.test(relative(path, file)))
      .sort(compareText);
  } catch (error) {
    throw usageError(`cannot read ${path}`, undefined, reasonOf(error));
  }
}

/** A file stands for all files of its run. */
function siblings(path: string): string[] {
  const tail = (name: string) => name.replace(/^[A-Z]+_/, "").replace(/\.(log|json)$/, "");
  const name = basename(path);
  return readdirSync(dirname(path))
    .filter((other) => other === name || tail(other) === tail(name))
    .map((other) => join(dirname(path), other))
    .sort(compareText);
}
