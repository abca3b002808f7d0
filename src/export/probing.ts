/** Active probing in the background: the jobs of the configuration, and their results as metrics. */
import { KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { activeMetrics as m } from "../probes/active/metrics.ts";
import type { Session } from "../probing/session.ts";
import { Histogram } from "../stats/histogram.ts";
import type { Collector, Family, Series } from "./family.ts";
import { Job, type JobBooks, type Target } from "./probeJob.ts";
import type { Watched } from "./self.ts";
import { labelOf, type ProbeJob } from "./settings.ts";

export class ProbingCollector implements Collector, JobBooks {
  readonly #jobs = new Map<string, Job>();
  /** By kind and name: a target keeps its counters for as long as a job names it. */
  readonly #targets = new Map<string, Target>();
  readonly #sessions = new Map<Session, string>();
  /** Hook events of sessions that have ended, by kind and event. */
  readonly #past = new Map<string, number>();
  /** Events that ended sessions had taken. */
  #pastEvents = 0;
  #isDisposed = false;

  /**
   * These jobs from now on; those that were there go on undisturbed. With `all` it fails, and changes nothing, when
   * one cannot be opened; else such a one is told and tried again.
   */
  async show(settings: readonly ProbeJob[], all: boolean): Promise<void> {
    const wanted = new Map(settings.map((job) => [JSON.stringify(job), job]));
    const fresh = new Map<string, Job>();
    for (const [key, job] of wanted) {
      if (!this.#jobs.has(key)) fresh.set(key, new Job(job, this));
    }
    try {
      await Promise.all(Array.from(fresh.values(), (job) => opened(job, all)));
    } catch (error) {
      for (const job of fresh.values()) job[Symbol.dispose]();
      throw error;
    }
    if (this.#isDisposed) {
      for (const job of fresh.values()) job[Symbol.dispose]();
      return;
    }
    for (const [key, job] of this.#jobs) {
      if (wanted.has(key)) continue;
      job[Symbol.dispose]();
      this.#jobs.delete(key);
    }
    const named = new Set(settings.flatMap((job) => job.targets.map((name) => keyOf(job, name))));
    for (const key of this.#targets.keys()) if (!named.has(key)) this.#targets.delete(key);
    for (const [key, job] of fresh) {
      this.#jobs.set(key, job);
      job.start();
    }
  }

  target(job: ProbeJob, name: string): Target {
    const key = keyOf(job, name);
    const target = this.#targets.get(key) ?? {
      ...{ kind: job.kind, name: labelOf(job, name), histogram: new Histogram() },
      ...{ sumNs: 0, answers: 0, lost: 0, errors: 0 },
    };
    this.#targets.set(key, target);
    return target;
  }

  began(session: Session, kind: string): void {
    this.#sessions.set(session, kind);
  }

  get probe(): Watched {
    const sessions = [...this.#sessions.keys()];
    const taken = sessions.reduce((sum, { probe }) => sum + probe.taken, this.#pastEvents);
    return {
      programs: () => sessions.flatMap(({ probe }) => [...probe.programs()]),
      events: { taken, undecoded: 0 },
    };
  }

  ended(session: Session): void {
    this.#pastEvents += session.probe.taken;
    this.#count(this.#past, session);
    this.#sessions.delete(session);
  }

  collect(): Family[] {
    const targets = [...this.#targets.values()];
    const each = (pick: (target: Target) => Series["value"]): Series[] =>
      targets.map((target) => ({ labels: [target.kind, target.name], value: pick(target) }));
    const hook = new Map(this.#past);
    for (const session of this.#sessions.keys()) this.#count(hook, session);
    return [
      {
        metric: m.rtt,
        series: each(({ histogram, sumNs }) => ({
          ...{ histogram, unitSeconds: 1e-9, sumSeconds: sumNs / 1e9 },
        })),
      },
      { metric: m.answers, series: each(({ answers }) => answers) },
      { metric: m.lost, series: each(({ lost }) => lost) },
      { metric: m.errors, series: each(({ errors }) => errors) },
      {
        metric: m.hook,
        series: Array.from(hook, ([key, value]) => ({ labels: key.split("\0"), value })),
      },
    ];
  }

  /** The sessions end by themselves; their memory must stay until then. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const job of this.#jobs.values()) job[Symbol.dispose]();
  }

  #count(events: Map<string, number>, session: Session): void {
    for (const [name, value] of Object.entries(session.probe.counters())) {
      const event = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const key = `${this.#sessions.get(session)}\0${event}`;
      events.set(key, (events.get(key) ?? 0) + value);
    }
  }
}

async function opened(job: Job, mustBe: boolean): Promise<void> {
  try {
    await job.open();
  } catch (error) {
    if (mustBe || !(error instanceof KomonError)) throw error;
    log.error(error);
  }
}

function keyOf(job: ProbeJob, name: string): string {
  return `${job.kind}\0${labelOf(job, name)}`;
}
