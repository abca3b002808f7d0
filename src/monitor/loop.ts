/** Looks at the sources every interval and tells what lay between. */
import { Garbage } from "../base/garbage.ts";
import { monotonicNs } from "../kernel/libc.ts";
import type { Deadline } from "../probes/deadline.ts";
import { between, type Interval } from "./interval.ts";
import type { Told } from "./rows.ts";
import { type Objective, violations } from "./slo.ts";
import type { Look, Source } from "./source.ts";

export interface LoopOptions {
  readonly intervalNs: number;
  readonly durationNs: number | undefined;
  /** Intervals after which it ends. */
  readonly count: number | undefined;
  readonly objectives: readonly Objective[];
  readonly stop: AbortSignal;
  /** Ends the watching, before the last look: so all of that is of the same packets. */
  readonly detach: () => void;
  /** All sources of one look. */
  readonly tell: (told: readonly Told[]) => void;
}

/** Intervals, of any source. */
export interface Verdict {
  /** In which there was something to judge. */
  judged: number;
  violated: number;
}

/** How it was from the beginning to the end. */
export interface Ended {
  readonly intervals: number;
  readonly verdicts: ReadonlyMap<Objective, Verdict>;
  readonly whole: readonly { source: Source; interval: Interval; deadline: Deadline | undefined }[];
}

/** An interval ended before its time is told, too, so that the sum of all is all packets. */
export async function watch(sources: readonly Source[], options: LoopOptions): Promise<Ended> {
  const { intervalNs, objectives, stop, count = Number.POSITIVE_INFINITY } = options;
  const startNs = monotonicNs();
  const first = sources.map(() => nothingYet(startNs));
  const endNs = startNs + (options.durationNs ?? Number.POSITIVE_INFINITY);
  const verdicts = new Map<Objective, Verdict>(
    objectives.map((objective) => [objective, { judged: 0, violated: 0 }]),
  );
  let before: readonly Look[] = first;
  let intervals = 0;
  let last = stop.aborted;
  const garbage = new Garbage(startNs);
  while (!last) {
    const due = Math.min(startNs + (intervals + 1) * intervalNs, endNs);
    await until(due, stop);
    last = stop.aborted || due >= endNs || intervals + 1 >= count;
    if (last) options.detach();
    const looks = sources.map((source) => source.look());
    const at = new Date();
    intervals++;
    options.tell(
      sources.map((source, i) => {
        const interval = between(before[i], looks[i]);
        const broken = violations(objectives, interval);
        for (const [objective, verdict] of verdicts) {
          if (!Number.isNaN(objective.value(interval))) verdict.judged++;
          if (broken.some((one) => one.objective === objective)) verdict.violated++;
        }
        return { source, interval, at, violated: broken, deadline: looks[i].deadline };
      }),
    );
    before = looks;
    garbage.collect(due); // right after a look, when the next is farthest
  }
  const whole = sources.map((source, i) => ({
    source,
    interval: between(first[i], before[i]),
    deadline: before[i].deadline,
  }));
  return { intervals, verdicts, whole };
}

/** The probes count from zero, so the first interval holds what came while they were opened, too. */
function nothingYet(atNs: number): Look {
  const account = {
    ...{ seen: 0, matched: 0, expired: 0, expiredStack: 0, expiredUnsent: 0, expiredUnread: 0 },
    ...{ collided: 0, filtered: 0, lost: 0, inFlight: 0 },
  };
  return { atNs, spans: new Map(), account, depth: 0, deadline: undefined };
}

async function until(ns: number, stop: AbortSignal): Promise<void> {
  const left = (ns - monotonicNs()) / 1e6;
  if (left <= 0 || stop.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, left);
  const end = () => resolve();
  stop.addEventListener("abort", end);
  await promise;
  clearTimeout(timer);
  stop.removeEventListener("abort", end);
}
