/** Active probing in the background: a session a kind of probe, and its results as metrics. */
import { log } from "../base/log.ts";
import { activeMetrics as m } from "../probes/active/metrics.ts";
import { resolveHosts } from "../probing/hosts.ts";
import { Session } from "../probing/session.ts";
import { Histogram } from "../stats/histogram.ts";
import type { Collector, Family, Series } from "./family.ts";
import type { ProbeJob } from "./settings.ts";

interface Target {
  readonly kind: string;
  readonly name: string;
  readonly histogram: Histogram;
  sumNs: number;
  answers: number;
  lost: number;
  errors: number;
}

export class ProbingCollector implements Collector {
  readonly #stop = new AbortController();
  readonly #sessions: { readonly kind: string; readonly session: Session }[] = [];
  readonly #targets: Target[] = [];
  /** Kept when all sessions are open or have failed to. */
  readonly opened: Promise<unknown>;

  constructor(jobs: readonly ProbeJob[]) {
    const opened: Promise<void>[] = [];
    for (const job of jobs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      opened.push(promise);
      this.#run(job, resolve)
        .catch((error: Error) => {
          log.error(`probing ${job.targets.join(", ")}: ${error.message}`);
        })
        .finally(resolve);
    }
    this.opened = Promise.all(opened);
  }

  collect(): Family[] {
    const each = (pick: (target: Target) => Series["value"]): Series[] =>
      this.#targets.map((target) => ({ labels: [target.kind, target.name], value: pick(target) }));
    const hook = this.#sessions.flatMap(({ kind, session }) =>
      Object.entries(session.probe.counters()).map(([event, value]) => ({
        labels: [kind, event.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)],
        value,
      })),
    );
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
      { metric: m.hook, series: hook },
    ];
  }

  /** The sessions end by themselves; their memory must stay until then. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #run(job: ProbeJob, onOpen: () => void): Promise<void> {
    const { hosts, unknown } = await resolveHosts(job.targets, undefined, job.port);
    for (const { target, why } of unknown) log.warn(`cannot probe ${target}: ${why}`);
    if (this.#stop.signal.aborted) return;
    using session = openSession(job, hosts);
    this.#sessions.push({ kind: job.kind, session });
    onOpen();
    const targets = session.hosts.map(({ target }) => ({
      ...{ kind: job.kind, name: target, histogram: new Histogram() },
      ...{ sumNs: 0, answers: 0, lost: 0, errors: 0 },
    }));
    this.#targets.push(...targets);
    await session.run(this.#stop.signal, {
      reply(host, _number, rttNs) {
        targets[host].answers++;
        if (Number.isNaN(rttNs)) return; // left without a stamp
        targets[host].histogram.add(rttNs);
        targets[host].sumNs += rttNs;
      },
      lost: (host) => targets[host].lost++,
      error: (host) => targets[host].errors++,
    });
    this.#sessions.splice(0); // its counters end with it
  }
}

/** As `komon probe` does it without flags, but for what the job says. */
export function openSession(
  job: Omit<ProbeJob, "targets">,
  hosts: Awaited<ReturnType<typeof resolveHosts>>["hosts"],
  count?: number,
): Session {
  return new Session({
    ...{ kind: job.kind, port: job.port, hosts, count },
    ...{ intervalNs: job.interval, gapNs: 0, timeoutNs: job.timeout },
    ...{ flood: false, backOff: false, payloadBytes: 56, df: false },
    ...{ drop: true, hooks: "auto", reflected: false },
    ...{ burst: 1, firstSequence: 0, keepRtts: false },
  });
}
