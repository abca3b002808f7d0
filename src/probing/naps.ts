import { monotonicNs, sleepUntilNs } from "../kernel/libc.ts";
import type { UserSide } from "./userSide.ts";

/** The event loop's turn comes this often: for signals and timers, or for all else that the process does. */
const aloneNs = 200e6;
const sharedNs = 20e6;
/** A process that waits for answers itself looks up this often. */
const userNapNs = 10e6;

/**
 * How a session waits. A turn of the event loop costs as much as several probes, so a session that has the process
 * to itself sleeps in the kernel, and gives the loop a turn now and then, and at once after a signal.
 */
export class Naps {
  readonly #isAlone: boolean;
  readonly #mostNs: number;
  readonly #user: UserSide | undefined;
  #turnNs = 0;

  constructor(isAlone: boolean, user: UserSide | undefined) {
    this.#isAlone = isAlone;
    this.#mostNs = isAlone ? aloneNs : sharedNs;
    this.#user = user;
  }

  /** True when it is the event loop's turn, or when the rest of the wait is better left to it. */
  isTurn(wakeAtNs: number): boolean {
    const now = monotonicNs();
    return now - this.#turnNs > this.#mostNs || (!this.#isAlone && wakeAtNs - now > this.#mostNs);
  }

  async turn(wakeAtNs: number): Promise<void> {
    const leftMs = Math.floor(Math.min(wakeAtNs - monotonicNs() - 1e6, 50e6) / 1e6);
    const sleeps = leftMs > 0 && !this.#isAlone && !this.#user;
    await (sleeps ? Bun.sleep(leftMs) : new Promise<void>((resolve) => setImmediate(resolve)));
    this.#turnNs = monotonicNs();
  }

  /** Until then, or a part of it. */
  sleep(wakeAtNs: number): void {
    const now = monotonicNs();
    if (this.#user) {
      this.#user.wait(Math.min(userNapNs, Math.max(0, wakeAtNs - now)));
      return;
    }
    if (wakeAtNs <= now) return;
    const untilNs = Math.min(wakeAtNs, now + this.#mostNs);
    sleepUntilNs(untilNs);
    if (monotonicNs() < untilNs) this.#turnNs = 0; // a signal woke us
  }
}
