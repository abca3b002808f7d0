/** What a sweep is after: every run once, a narrow interval, or the highest load. */
import { usageError } from "../../base/errors.ts";
import { parseNumber } from "../../base/units.ts";
import type { MaxGoal } from "../../sweep/findMax.ts";
import type { UntilCi } from "../../sweep/untilCi.ts";

export type Goal =
  | { readonly kind: "runs" }
  | ({ readonly kind: "until-ci" } & UntilCi)
  | ({ readonly kind: "find-max" } & MaxGoal);

export interface GoalFlags {
  readonly reps: number | undefined;
  readonly untilCi: string | undefined;
  readonly maxReps: number | undefined;
  readonly findMax: boolean;
  readonly p99: number | undefined;
  readonly span: MaxGoal["span"] | undefined;
  readonly resolution: string | undefined;
  readonly step: number | undefined;
}

/** As KOMon's run_test_all.sh. */
export const defaultReps = 5;
/** One repetition does not know how repetitions differ. */
const fewestReps = 2;
const defaultMaxReps = 50;
const defaultResolution = "2%";
/** Long enough for a queue to overflow. */
const defaultStepNs = 3e9;

export function goalOf(flags: GoalFlags): Goal {
  const { reps, untilCi, maxReps, findMax, p99: p99Ns, span = "sojourn" } = flags;
  if (findMax && untilCi !== undefined) {
    throw usageError("--find-max and --until-ci exclude each other", "drop one of the two");
  }
  refuseUseless(flags);
  if (findMax) {
    const { resolution: share = defaultResolution, step: stepNs = defaultStepNs } = flags;
    const resolution = parseShare("--resolution", share);
    return { kind: "find-max", span, p99Ns, resolution, stepNs };
  }
  if (untilCi === undefined) return { kind: "runs" };
  const minReps = reps ?? fewestReps;
  if (maxReps !== undefined && maxReps < minReps) {
    throw usageError(`--max-reps ${maxReps} is less than ${minReps} repetitions`, "raise it");
  }
  const width = parseShare("--until-ci", untilCi);
  return {
    kind: "until-ci",
    width,
    minReps,
    maxReps: maxReps ?? Math.max(minReps, defaultMaxReps),
  };
}

function refuseUseless(flags: GoalFlags): void {
  const { reps, untilCi, maxReps, findMax } = flags;
  if (maxReps !== undefined && untilCi === undefined) {
    throw usageError("--max-reps says nothing without --until-ci", "for example --until-ci 2%");
  }
  if (findMax && reps !== undefined) {
    throw usageError(
      "--reps says nothing with --find-max",
      "each load is tried as often as needed",
    );
  }
  for (const name of ["p99", "span", "resolution", "step"] as const) {
    if (flags[name] !== undefined && !findMax) {
      throw usageError(`--${name} says nothing without --find-max`, "add --find-max");
    }
  }
}

/** `2%` or `0.02`. */
function parseShare(flag: string, text: string): number {
  const expected = "a share such as 2% or 0.02, above 0 and up to 100%";
  const number = text.endsWith("%") ? text.slice(0, -1) : text;
  let share = Number.NaN;
  try {
    share = text.endsWith("%") ? parseNumber(number) / 100 : parseNumber(number);
  } catch {}
  if (share > 0 && share <= 1) return share;
  throw usageError(`${flag}: ${JSON.stringify(text)} is not ${expected}`);
}
