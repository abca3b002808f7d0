import type { TcpEvent } from "../probes/tcp/event.ts";
import { tcpMetrics as m } from "../probes/tcp/metrics.ts";
import type { TcpProbeOptions } from "../probes/tcp/options.ts";
import { type Living, TcpProbe } from "../probes/tcp/probe.ts";
import { Histogram } from "../stats/histogram.ts";
import type { Collector, Family, HistogramValue, Series } from "./family.ts";
import type { Limits } from "./limits.ts";
import type { Watched } from "./self.ts";
import { SeriesTable } from "./series.ts";

const lookMs = 200;

class Times {
  readonly histogram = new Histogram();
  sumNs = 0;

  add(ns: number): void {
    this.histogram.add(ns);
    this.sumNs += ns;
  }

  get value(): HistogramValue {
    return { histogram: this.histogram, unitSeconds: 1e-9, sumSeconds: this.sumNs / 1e9 };
  }
}

class Sessions {
  readonly times = new Times();
  sentBytes = 0;
  receivedBytes = 0;
  retransmits = 0;
}

/** The TCP probe's numbers: round-trip times from the kernel's histograms, the rest from events. */
export class TcpCollector implements Collector {
  readonly #probe: TcpProbe;
  readonly #limits: Limits;
  readonly #timer: Timer;
  readonly #connects: SeriesTable<Times>;
  readonly #accepts: SeriesTable<Times>;
  readonly #ends: SeriesTable<{ count: number }>;
  readonly #sessions: SeriesTable<Sessions>;
  /** When a group's sum last moved. */
  readonly #moved = new Map<string, { sumNs: number; at: number }>();
  /** Connections whose round-trip times the kernel had no group for, as far as they are counted. */
  #grouped = 0;
  #taken = 0;
  #undecoded = 0;

  /** At most so many series of a metric. */
  constructor(options: TcpProbeOptions, most: number, limits: Limits) {
    this.#limits = limits;
    this.#probe = TcpProbe.open({ ...options, rtt: true, groups: most });
    this.#connects = new SeriesTable(most, () => new Times(), limits.folded(m.connectLatency));
    this.#accepts = new SeriesTable(most, () => new Times(), limits.folded(m.acceptWait));
    this.#ends = new SeriesTable(most, () => ({ count: 0 }), limits.folded(m.sessions));
    this.#sessions = new SeriesTable(most, () => new Sessions(), limits.folded(m.sessionDuration));
    this.#timer = setInterval(() => this.#read(), lookMs);
  }

  get probe(): Watched {
    const events = { taken: this.#taken, undecoded: this.#undecoded };
    return { programs: () => this.#probe.programs(), events };
  }

  /** Connections that live now, at most `most`. */
  living(most: number): Living[] {
    return [...take(this.#probe.connections(), most)];
  }

  collect(): Family[] {
    this.#read();
    for (const table of [this.#connects, this.#accepts, this.#ends, this.#sessions]) {
      table.expire(this.#limits.expireMs);
    }
    const counters = this.#probe.counters();
    const folded = counters.groupedAsOther - this.#grouped;
    this.#limits.folded(m.rtt)(folded);
    this.#grouped = counters.groupedAsOther;
    const one = (value: number): Series[] => [{ labels: [], value }];
    return [
      { metric: m.rtt, series: this.#rtt() },
      { metric: m.connectLatency, series: this.#connects.series((times) => times.value) },
      { metric: m.acceptWait, series: this.#accepts.series((times) => times.value) },
      { metric: m.sessions, series: this.#ends.series(({ count }) => count) },
      { metric: m.sessionDuration, series: this.#sessions.series(({ times }) => times.value) },
      { metric: m.sent, series: this.#sessions.series((s) => s.sentBytes) },
      { metric: m.received, series: this.#sessions.series((s) => s.receivedBytes) },
      { metric: m.retransmits, series: this.#sessions.series((s) => s.retransmits) },
      { metric: m.connections, series: this.#connections() },
      { metric: m.opened, series: one(counters.opened) },
      { metric: m.untracked, series: one(counters.untracked) },
      { metric: m.lost, series: one(counters.lost) },
    ];
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#probe[Symbol.dispose]();
  }

  #read(): void {
    this.#taken += this.#probe.read((event) => this.#take(event));
  }

  #take({ kind, timeNs, connection: c, ...event }: TcpEvent): void {
    const comm = c.owner.comm || "unknown";
    switch (kind) {
      case "connected":
      case "failed":
        this.#connects.at([comm, event.reason ?? "ok"]).add(timeNs - (c.startNs ?? timeNs));
        break;
      case "accepted":
        this.#accepts.at([comm]).add(timeNs - (c.establishedNs ?? timeNs));
        break;
      case "closed": {
        this.#ends.at([comm, c.role ?? "unknown", event.reason ?? "unknown"]).count++;
        const sessions = this.#sessions.at([comm]);
        if (c.startNs !== undefined) sessions.times.add(timeNs - c.startNs);
        sessions.sentBytes += event.sentBytes;
        sessions.receivedBytes += event.receivedBytes;
        sessions.retransmits += event.retransmits;
        break;
      }
      default:
        this.#undecoded++;
    }
  }

  /** Names need not be different: a program may be called `other`, or what is no text. */
  #rtt(): Series[] {
    const byName = new Map<string, { histogram: Histogram; sumNs: number }>();
    for (const { name, sumNs, histogramUs } of this.#probe.groups()) {
      const known = byName.get(name);
      known?.histogram.merge(histogramUs.counts);
      if (known) known.sumNs += sumNs;
      else byName.set(name, { histogram: histogramUs, sumNs });
    }
    const now = performance.now();
    const series: Series[] = [];
    for (const [name, { histogram, sumNs }] of byName) {
      const last = this.#moved.get(name);
      if (last?.sumNs !== sumNs) this.#moved.set(name, { sumNs, at: now });
      else if (now - last.at > this.#limits.expireMs) continue;
      series.push({
        labels: [name],
        value: { histogram, unitSeconds: 1e-6, sumSeconds: sumNs / 1e9 },
      });
    }
    return series;
  }

  #connections(): Series[] {
    const counts = this.#probe.countLiving();
    return Object.entries(counts).map(([role, value]) => ({ labels: [role], value }));
  }
}

function* take<T>(from: Iterable<T>, most: number): Generator<T> {
  let taken = 0;
  for (const one of from) {
    if (taken++ >= most) return;
    yield one;
  }
}
