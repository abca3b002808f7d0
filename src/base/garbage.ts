/**
 * The runtime collects garbage when its heap has grown by a share of itself. A process that lives for months is asked to
 * do so twice a minute, where nothing else is due: that takes 2 to 5 ms, and the process stays at one size.
 */
export const collectEveryMs = 30_000;

/** For loops that know themselves when nothing is due. */
export class Garbage {
  #collectedNs: number;

  constructor(nowNs: number) {
    this.#collectedNs = nowNs;
  }

  /** Collects it when it is time; whether it did. */
  collect(nowNs: number): boolean {
    if (nowNs - this.#collectedNs < collectEveryMs * 1e6) return false;
    Bun.gc(true);
    this.#collectedNs = nowNs;
    return true;
  }
}
