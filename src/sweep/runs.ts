import { readFileSync } from "node:fs";
import { usageError } from "../base/errors.ts";
import { isLaw } from "../model/laws.ts";
import type { RunParams } from "../model/run.ts";
import { resultName } from "../results/names.ts";
import { reasonOf } from "../results/system.ts";
import {
  type ColumnName,
  columnNames,
  columnOf,
  type OptionColumn,
  optionColumns,
} from "./columns.ts";
import { type Mistake, mistakesError } from "./mistakes.ts";
import { type ParameterLine, parseParameters } from "./parameters.ts";

/** What a line says beyond the parameters that name the files: numbers, and names as they are. */
export type LineOptions = Readonly<Partial<Record<OptionColumn, number | string>>>;

/** One run of a sweep. */
export interface SweepRun {
  readonly params: RunParams;
  readonly options: LineOptions;
  /** Below the sweep's folder; empty unless further columns vary, such as `workers=2`. */
  readonly folder: string;
  readonly file: string;
  readonly line: number;
}

/** Far more than anybody means. */
const mostRuns = 1_000_000;

/**
 * The runs of parameter files: every line `reps` times (a line that has the column `rep` as often as
 * that says), all lines before the next repetition, as KOMon's run_test_all.sh did.
 * *Fails when* a file cannot be read or has mistakes, with all of them in one usage error.
 */
export function readSweep(files: readonly string[], reps = 1): SweepRun[] {
  return runsOf(readFiles(files), reps);
}

/** A parameter file as it was read. */
export interface ParameterFile {
  readonly path: string;
  readonly text: string;
  /** Why it could not be read. */
  readonly unreadable?: string;
}

export function readFiles(paths: readonly string[]): ParameterFile[] {
  return paths.map((path) => {
    try {
      return { path, text: readFileSync(path, "utf8") };
    } catch (error) {
      return { path, text: "", unreadable: `${path}: cannot be read: ${reasonOf(error)}` };
    }
  });
}

/** The runs of files that have been read; see {@link readSweep}. */
export function runsOf(files: readonly ParameterFile[], reps = 1): SweepRun[] {
  const parsed = files.map(({ path, text }) => parseParameters(text, path));
  const mistakes = parsed.flatMap((one) => one.mistakes);
  const unreadable = files.flatMap((file) => file.unreadable ?? []);
  if (mistakes.length + unreadable.length > 0) throw mistakesError(mistakes, unreadable);
  const lines = parsed.flatMap((one) => one.lines);
  if (lines.length === 0)
    throw usageError(`no runs in ${files.map(({ path }) => path).join(", ")}`);
  return expandLines(lines, reps);
}

/** *Fails when* there are too many runs, or two that would write the same files. */
function expandLines(lines: readonly ParameterLine[], reps: number): SweepRun[] {
  const withReps = lines.map(({ values, ...line }) => {
    const rep = values.get("rep") ?? Array.from({ length: reps }, (_, index) => index + 1);
    return { ...line, values: new Map([...values, ["rep", rep] as const]) };
  });
  refuseTooMany(withReps);
  const varying = optionColumns.filter((name) => varies(name, lines));
  const runs = withReps.flatMap((line) => combinations(line, varying));
  runs.sort((a, b) => a.params.rep - b.params.rep);
  refuseTwins(runs, lines);
  return runs;
}

function refuseTooMany(lines: readonly ParameterLine[]): void {
  let runs = 0;
  for (const { values } of lines) {
    runs += [...values.values()].reduce((product, cell) => product * cell.length, 1);
  }
  if (runs > mostRuns) throw usageError(`${runs} runs; at most ${mostRuns} fit into one sweep`);
}

/** Whether a column does not say the same for all runs. */
function varies(name: ColumnName, lines: readonly ParameterLine[]): boolean {
  const texts = new Set(lines.map(({ values }) => String(values.get(name))));
  return texts.size > 1 || lines.some(({ values }) => (values.get(name)?.length ?? 0) > 1);
}

/** Every combination of a line's values, the last column varying fastest. */
function combinations(line: ParameterLine, varying: readonly OptionColumn[]): SweepRun[] {
  let choices: ReadonlyMap<ColumnName, number>[] = [new Map()];
  for (const name of columnNames) {
    const values = line.values.get(name);
    if (values === undefined) continue;
    choices = choices.flatMap((choice) =>
      values.map((value) => new Map([...choice, [name, value]])),
    );
  }
  return choices.map((choice) => runOf(choice, line, varying));
}

function runOf(
  choice: ReadonlyMap<ColumnName, number>,
  { file, line }: ParameterLine,
  varying: readonly OptionColumn[],
): SweepRun {
  const value = (name: ColumnName) => choice.get(name) ?? 0;
  const law = value("law");
  const params: RunParams = {
    intervals: value("intervals"),
    packets: value("packets"),
    sleepNs: value("sleep"),
    pps: value("pps"),
    sizeBytes: value("size"),
    delayNs: value("delay"),
    law: isLaw(law) ? law : 0,
    rep: value("rep"),
  };
  const given = optionColumns.filter((name) => choice.has(name));
  const options: LineOptions = Object.fromEntries(
    given.map((name) => [name, named(name, value(name))]),
  );
  const folder = given
    .filter((name) => varying.includes(name))
    .map((name) => `${name}=${options[name]}`)
    .join(",");
  return { params, options, folder, file, line };
}

/** The name that a number stands for, or the number. */
function named(column: OptionColumn, value: number): number | string {
  return columnOf(column)?.names?.[value] ?? value;
}

/** Where a run's KERNEL_ file lies below the sweep's folder: no two runs may share it. */
export function runKey({ folder, params }: SweepRun): string {
  return folder === "" ? resultName("KERNEL", params) : `${folder}/${resultName("KERNEL", params)}`;
}

function refuseTwins(runs: readonly SweepRun[], lines: readonly ParameterLine[]): void {
  const first = new Map<string, SweepRun>();
  const mistakes: Mistake[] = [];
  const told = new Set<string>();
  for (const run of runs) {
    const key = runKey(run);
    const twin = first.get(key);
    const place = `${run.file}:${run.line}`;
    if (twin === undefined) first.set(key, run);
    else if (!told.has(place)) {
      told.add(place);
      const text =
        lines.find(({ file, line }) => file === run.file && line === run.line)?.text ?? "";
      const what = `the same run as ${twin.file}:${twin.line}: both would write ${key}`;
      const length = text.trim().length;
      const column = text.length - text.trimStart().length + 1;
      mistakes.push({ file: run.file, line: run.line, column, length, what, text });
    }
  }
  if (mistakes.length > 0) throw mistakesError(mistakes);
}
