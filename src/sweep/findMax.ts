/** `--find-max`: the highest load of each line that passes without loss, and within a bound of p99. */
import { formatNs } from "../base/units.ts";
import type { RunResult } from "../model/result.ts";
import type { Gap } from "../model/run.ts";
import { intervalNs } from "./estimate.ts";
import { groupRuns } from "./groups.ts";
import { latestNs } from "./lateness.ts";
import type { Outcome } from "./outcome.ts";
import type { SweepRun } from "./runs.ts";
import { searchHighest, threeDigits } from "./search.ts";

export const boundSpans = ["sojourn", "service"] as const;

export interface MaxGoal {
  /** p99 of this span may be this long; undefined = any. */
  readonly span: (typeof boundSpans)[number];
  readonly p99Ns: number | undefined;
  readonly resolution: number;
  /** Each load is kept for so long at least: a queue needs time to overflow. */
  readonly stepNs: number;
}

/** Loads at which the latency is shown. */
const shares = [1, 0.9, 0.5, 0.1];
/** A load that does not hold is tried so often: on a shared machine once says little. */
const tries = 2;
/** With those in which the load itself stood still, and then sent all that was due at once. */
const mostTries = 6;
const stillNs = 20e6;
/** Where a line does not say how far to go. */
const leastPps = 1;
const mostPps = 1e8;
/** The load has to reach so much of its rate. */
const reached = 0.99;

export interface MaxRow {
  readonly run: SweepRun;
  /** Share of the highest load. */
  readonly share: number;
  readonly pps: number;
  readonly result: RunResult | undefined;
}

export interface MaxLoad {
  readonly run: SweepRun;
  /** Undefined when no load holds. */
  readonly pps: number | undefined;
  /** Why the next higher load did not hold. */
  readonly limit: string | undefined;
  readonly rows: readonly MaxRow[];
}

export interface Finding {
  readonly goal: MaxGoal;
  readonly gap: Gap;
  readonly measureAll: (runs: readonly SweepRun[]) => Promise<Outcome[]>;
}

/** One answer per combination; those that were interrupted are missing. */
export async function findMaxima(runs: readonly SweepRun[], finding: Finding): Promise<MaxLoad[]> {
  const found: MaxLoad[] = [];
  for (const group of groupRuns(runs, ["pps", "rep"]).values()) {
    const one = await findMax(group, finding);
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** A line with one rate begins there; with several, it is searched from the lowest to the highest. */
async function findMax(
  group: readonly [SweepRun, ...SweepRun[]],
  { goal, gap, measureAll }: Finding,
): Promise<MaxLoad | undefined> {
  const [run] = group;
  const rates = group.map(({ params }) => params.pps);
  const [startPps, lastPps] = [Math.min(...rates), Math.max(...rates)];
  const { resolution } = goal;
  const range = startPps < lastPps ? [startPps, lastPps] : [leastPps, mostPps];
  const [lowestPps, highestPps] = range;
  const limits = new Map<number, string>();
  const held = new Map<number, number>();
  let broken: string | undefined;
  const measure = async (pps: number, rep: number) =>
    (await measureAll([atRate(run, pps, rep, goal.stepNs, gap)]))[0];

  const highest = await searchHighest(
    { startPps, lowestPps, highestPps, resolution },
    async (pps) => {
      for (let rep = 1, counted = 0; counted < tries && rep <= mostTries; rep++) {
        const outcome = await measure(pps, rep);
        if (outcome.state === "waiting") return undefined;
        const objection = objectionTo(outcome, goal);
        broken = outcome.state === "failed" ? objection : undefined;
        if (objection === undefined) {
          held.set(pps, rep);
          return true;
        }
        const disturbed = isDisturbed(outcome);
        if (!disturbed) counted++;
        const late = formatNs(latestNs(outcome.result?.load) ?? 0);
        limits.set(pps, disturbed ? `${objection}, with the load up to ${late} behind` : objection);
      }
      return broken === undefined ? false : undefined;
    },
  );
  if (broken !== undefined) return { run, pps: undefined, limit: broken, rows: [] };
  if (highest === undefined) return undefined;
  const { holdsPps, failsPps } = highest;
  const limit = failsPps === undefined ? undefined : limits.get(failsPps);
  const rows: MaxRow[] = [];
  for (const share of holdsPps === undefined ? [] : shares) {
    const pps = share === 1 ? Number(holdsPps) : threeDigits(Number(holdsPps) * share);
    const { result, state } = await measure(pps, held.get(pps) ?? 1);
    if (state === "waiting") return undefined;
    rows.push({ run, share, pps, result });
  }
  return { run, pps: holdsPps, limit, rows };
}

function atRate(run: SweepRun, pps: number, rep: number, stepNs: number, gap: Gap): SweepRun {
  const params = { ...run.params, pps, rep };
  const needed = Math.ceil(stepNs / intervalNs({ params, options: run.options }, gap));
  return { ...run, params: { ...params, intervals: Math.max(params.intervals, needed) } };
}

/** Why a load does not hold; undefined when it does. */
export function objectionTo({ result, why, state }: Outcome, goal: MaxGoal): string | undefined {
  if (result === undefined) return why ?? state;
  const { load, spans } = result;
  const lost = lostPackets(result);
  if (lost > 0) return `${lost} of ${load?.sent ?? result.coverage.seen} packets lost`;
  const p99Ns = spans[goal.span]?.p99_ns ?? Number.NaN;
  if (goal.p99Ns !== undefined && !(p99Ns <= goal.p99Ns)) {
    return `p99 of ${goal.span} ${formatNs(p99Ns)} > ${formatNs(goal.p99Ns)}`;
  }
  const sentPps = load?.sent_pps ?? 0;
  if (load && sentPps < reached * load.offered_pps) {
    return `the load reached ${Math.round(sentPps)} of ${load.offered_pps} pps`;
  }
  return undefined;
}

/** Whether the load was far behind its schedule although it reached its rate: it was not let run. */
function isDisturbed({ result }: Outcome): boolean {
  const { load } = result ?? {};
  if (!load || (load.sent_pps ?? 0) < reached * load.offered_pps) return false;
  return (latestNs(load) ?? 0) > stillNs;
}

/**
 * Sent by the load and never by the VNF. Where the VNF keeps no account: what the kernel saw come and not go, and what
 * it did not see come.
 */
function lostPackets({ load, vnf, coverage }: RunResult): number {
  if (load && vnf) return Math.max(0, load.sent - vnf.sent);
  const { expired, in_flight, matched } = coverage;
  return Math.max(expired + in_flight, (load?.sent ?? 0) - matched);
}
