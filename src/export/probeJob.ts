/** A job of the configuration: sessions for its targets, opened again for those that cannot be probed yet. */
import { setTimeout as pause } from "node:timers/promises";
import { KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { type NamedHost, resolveHosts } from "../probing/hosts.ts";
import { plan } from "../probing/plan.ts";
import { Session } from "../probing/session.ts";
import type { Histogram } from "../stats/histogram.ts";
import type { ProbeJob } from "./settings.ts";

const retryMs = 10_000;

export interface Target {
  readonly kind: string;
  /** With its port, where it has one. */
  readonly name: string;
  readonly histogram: Histogram;
  sumNs: number;
  answers: number;
  lost: number;
  errors: number;
}

/** Where a job's results go. */
export interface JobBooks {
  target(job: ProbeJob, name: string): Target;
  began(session: Session, kind: string): void;
  ended(session: Session): void;
}

export class Job implements Disposable {
  readonly #settings: ProbeJob;
  readonly #books: JobBooks;
  readonly #stop = new AbortController();
  readonly #running = new Set<Session>();
  /** Why a target is not probed. */
  readonly #missing = new Map<string, string>();
  #opened: Session | undefined;

  constructor(settings: ProbeJob, books: JobBooks) {
    this.#settings = settings;
    this.#books = books;
  }

  /** Opens a session for what can be probed. Fails when this machine cannot probe at all. */
  async open(): Promise<void> {
    this.#opened = await this.#openFor(this.#settings.targets);
    if (this.#stop.signal.aborted) this[Symbol.dispose]();
  }

  /** Probes what is open, and tries the rest again and again. */
  start(): void {
    this.#go().catch((error) => log.error(error));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#opened?.[Symbol.dispose]();
    this.#opened = undefined;
  }

  async #go(): Promise<void> {
    const { signal } = this.#stop;
    for (const name of this.#settings.targets) this.#books.target(this.#settings, name);
    while (!signal.aborted) {
      for (const name of this.#missing.keys()) this.#books.target(this.#settings, name).errors++;
      const session = this.#opened;
      this.#opened = undefined;
      if (session) this.#run(session).catch((error) => log.error(error));
      await pause(retryMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#tryAgain();
    }
  }

  async #tryAgain(): Promise<void> {
    const isHere = ({ watch, hosts }: Session) =>
      hosts.filter(({ device }) => !watch.removed.has(device.name)).map(({ target }) => target);
    const probed = new Set([...this.#running].flatMap(isHere));
    const rest = this.#settings.targets.filter((target) => !probed.has(target));
    if (rest.length === 0) return;
    try {
      this.#opened = await this.#openFor(rest);
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      for (const target of rest) this.#miss(target, error.message);
    }
    if (this.#stop.signal.aborted) this[Symbol.dispose]();
  }

  async #openFor(targets: readonly string[]): Promise<Session | undefined> {
    const { hosts, unknown } = await resolveHosts(targets, undefined, this.#settings.port);
    const ways = plan({ hosts, interface: undefined, source: undefined });
    for (const { target, why } of [...unknown, ...ways.unreachable]) this.#miss(target, why);
    if (ways.hosts.length === 0) return undefined;
    const session = openSession(this.#settings, ways.hosts);
    for (const { target } of session.hosts) {
      if (this.#missing.delete(target)) log.info(`${target} is probed now`);
    }
    return session;
  }

  #miss(target: string, why: string): void {
    if (this.#missing.get(target) === why) return;
    log.warn(`cannot probe ${target}: ${why}; it is tried again every ${retryMs / 1000} s`);
    this.#missing.set(target, why);
  }

  async #run(opened: Session): Promise<void> {
    using session = opened;
    const targets = session.hosts.map(({ target }) => this.#books.target(this.#settings, target));
    this.#running.add(session);
    this.#books.began(session, this.#settings.kind);
    try {
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
    } finally {
      this.#books.ended(session);
      this.#running.delete(session);
    }
  }
}

/** As `komon probe` does it without flags, but for what the job says. */
export function openSession(
  job: Omit<ProbeJob, "targets">,
  hosts: readonly NamedHost[],
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
