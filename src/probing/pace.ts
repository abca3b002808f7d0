/** When the next probe is due: one absolute schedule for all hosts, in turn, and how far it is slowed. */

/** Nobody meant to send more than this; `--flood` says otherwise. */
export const ceilingPps = 100_000;
export const ceilingHostPps = 1_000;

export interface PaceWishes {
  readonly hosts: number;
  /** From one probe to the same host to the next. */
  readonly intervalNs: number;
  /** From one probe to the next, to whomever; at least. */
  readonly gapNs: number;
  /** Probes per second in all, at most. */
  readonly rate?: number | undefined;
  /** Probes per second to each host, at most. */
  readonly hostRate?: number | undefined;
  readonly flood: boolean;
  /** Probes that leave together, in one host's turn; default 1. */
  readonly burst?: number | undefined;
}

export interface Pace {
  /** From one host's turn to the next host's. */
  readonly gapNs: number;
  /** What made it slower than the interval asks for. */
  readonly limitedBy?: string;
}

/** The strictest of all limits. */
export function paceOf(wishes: PaceWishes): Pace {
  const { hosts, intervalNs, gapNs, rate, flood, burst = 1 } = wishes;
  let pace: Pace = { gapNs: intervalNs / hosts };
  const limit = (leastNs: number, limitedBy: string) => {
    if (leastNs > pace.gapNs * (1 + 1e-9)) pace = { gapNs: leastNs, limitedBy };
  };
  limit(gapNs, "--gap");
  if (rate !== undefined) limit((1e9 * burst) / rate, "--rate");
  if (wishes.hostRate !== undefined) limit((1e9 * burst) / wishes.hostRate / hosts, "--host-rate");
  if (!flood) {
    limit(
      (1e9 * burst) / ceilingHostPps / hosts,
      `the ceiling of ${ceilingHostPps} probes/s to one host`,
    );
    limit((1e9 * burst) / ceilingPps, `the ceiling of ${ceilingPps} probes/s in all`);
  }
  return pace;
}

const windowProbes = 200;
const risingLoss = 0.1;
const slowest = 64;

/**
 * Slows down when loss rises and speeds up again when it has gone. It looks at windows of probes to
 * hosts that have answered before, so a host that is simply away slows nothing.
 */
export class BackOff {
  /** The gap between probes is multiplied by this. */
  factor = 1;
  /** How often it slowed down. */
  times = 0;
  #probes = 0;
  #lost = 0;
  #usual = 0;

  /** The fate of one probe. */
  note(lost: boolean): void {
    this.#probes++;
    if (lost) this.#lost++;
    if (this.#probes < windowProbes) return;
    const loss = this.#lost / this.#probes;
    this.#probes = 0;
    this.#lost = 0;
    if (loss > this.#usual + risingLoss) {
      if (this.factor < slowest) {
        this.factor *= 2;
        this.times++;
      } else this.#usual = loss; // it is not our rate
    } else {
      if (this.factor > 1) this.factor = Math.max(1, this.factor * 0.8);
      this.#usual = Math.min(this.#usual, loss);
    }
  }
}
