/** Wakes up no more often than this when probes are close together. */
const wakeNs = 1e6;
/** Probes to different hosts that are due within this leave together: a wake-up costs more than a probe. */
const gatherNs = 64e6;
const gatherHosts = 64;
/** A schedule that fell behind by more than this goes on from here, instead of in a burst. */
const catchUpNs = 100e6;

export interface ScheduleParts {
  readonly hosts: number;
  /** From one host's turn to the next host's. */
  readonly gapNs: number;
  /** Turns of each host. */
  readonly count: number | undefined;
  readonly durationNs: number | undefined;
  /** The gap is multiplied by this. */
  readonly slowdown: { readonly factor: number };
}

/** Whose turn it is and when: one absolute schedule, the hosts one after the other. */
export class Schedule {
  /** When the next turn is due. */
  dueNs: number;
  /** The time between two wake-ups; 0 = at each turn. */
  readonly tickNs: number;
  readonly #parts: ScheduleParts;
  readonly #turns: number;
  readonly #lastNs: number;
  #turn = 0;
  #wakeNs: number;

  constructor(parts: ScheduleParts, startNs: number) {
    const { hosts, gapNs, count, durationNs } = parts;
    this.#parts = parts;
    this.dueNs = startNs;
    this.#wakeNs = startNs;
    this.tickNs = tickOf(gapNs, hosts);
    this.#turns = count === undefined ? Number.POSITIVE_INFINITY : count * hosts;
    this.#lastNs = startNs + (durationNs ?? Number.POSITIVE_INFINITY);
  }

  get isOver(): boolean {
    return this.#turn >= this.#turns || this.dueNs >= this.#lastNs;
  }

  isDue(nowNs: number): boolean {
    if (nowNs - this.dueNs > catchUpNs) this.dueNs = nowNs;
    return this.dueNs <= nowNs && !this.isOver;
  }

  /** The number of the host whose turn it is. */
  take(): number {
    this.dueNs += this.#parts.gapNs * this.#parts.slowdown.factor;
    return this.#turn++ % this.#parts.hosts;
  }

  /** The first wake-up at `wantedNs` or later. */
  wakeAtNs(wantedNs: number, nowNs: number): number {
    if (this.tickNs === 0) return wantedNs;
    this.#wakeNs = Math.max(this.#wakeNs + this.tickNs, nowNs);
    return Math.max(wantedNs, this.#wakeNs);
  }
}

/** A whole number of ticks in a round of all hosts, so that the probes to each stay evenly apart. */
export function tickOf(gapNs: number, hosts: number): number {
  const leastNs = gapNs < wakeNs ? wakeNs : 0;
  const together = Math.min(gatherHosts, hosts, Math.floor(gatherNs / gapNs));
  if (hosts === 1 || together < 2) return leastNs;
  return Math.max(leastNs, (gapNs * hosts) / Math.ceil(hosts / together));
}
