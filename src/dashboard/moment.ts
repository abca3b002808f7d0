/** A time on two clocks: that of the wall, which may be set, and one that only goes on. */
export interface Moment {
  /** ms since 1970: what is shown and stored. */
  readonly atMs: number;
  /** ms since some start: what durations and rates are taken from. */
  readonly steadyMs: number;
}

export function thisMoment(): Moment {
  return { atMs: Date.now(), steadyMs: performance.now() };
}
