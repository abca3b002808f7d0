import { Garbage } from "../base/garbage.ts";
import { monotonicNs, sleepUntilNs } from "../kernel/libc.ts";
import type { UserSide } from "./userSide.ts";

/** A session that is alone gives the event loop a turn this often, for signals and timers. */
const aloneNs = 200e6;
/** One that shares the process looks up this often, so that it ends soon when it is told to. */
const sharedMs = 50;
/** A process that waits for answers itself looks up this often. */
const userNapNs = 10e6;
/** Garbage is collected where nothing is due for so long. */
const restNs = 8e6;

/**
 * How a session waits. A turn of the event loop costs as much as several probes, so a session that has the process
 * to itself sleeps in the kernel, and gives the loop a turn now and then, and at once after a signal. One that shares
 * the process leaves all waiting to the loop: the stamps are the kernel's, so it may look late.
 */
export class Naps {
  readonly #isAlone: boolean;
  readonly #user: UserSide | undefined;
  #turnNs = 0;
  readonly #garbage = new Garbage(monotonicNs());

  constructor(isAlone: boolean, user: UserSide | undefined) {
    this.#isAlone = isAlone;
    this.#user = user;
  }

  /** True when it is the event loop's turn. */
  get isTurn(): boolean {
    return !this.#isAlone || monotonicNs() - this.#turnNs > aloneNs;
  }

  async turn(wakeAtNs: number): Promise<void> {
    if (this.#isAlone) await new Promise<void>((resolve) => setImmediate(resolve));
    else {
      const leftMs = Math.floor((wakeAtNs - monotonicNs()) / 1e6);
      await Bun.sleep(Math.min(sharedMs, Math.max(1, leftMs)));
    }
    this.#turnNs = monotonicNs();
  }

  /** Until then, or a part of it. */
  sleep(wakeAtNs: number): void {
    if (!this.#isAlone) return;
    let now = monotonicNs();
    if (wakeAtNs - now > restNs && this.#garbage.collect(now)) now = monotonicNs();
    if (this.#user) {
      this.#user.wait(Math.min(userNapNs, Math.max(0, wakeAtNs - now)));
      return;
    }
    if (wakeAtNs <= now) return;
    const untilNs = Math.min(wakeAtNs, now + aloneNs);
    sleepUntilNs(untilNs);
    if (monotonicNs() < untilNs) this.#turnNs = 0; // a signal woke us
  }
}
