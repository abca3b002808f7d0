import type { Metric } from "../model/metric.ts";

/** How long series stay without news, and how often there were too many of them. */
export class Limits {
  readonly #folded = new Map<string, number>();

  constructor(public expireMs: number) {}

  /** To be called for every value of this metric that had to go to `other`; there is a zero before the first. */
  folded({ name }: Metric): (times?: number) => void {
    if (!this.#folded.has(name)) this.#folded.set(name, 0);
    return (times = 1) => this.#folded.set(name, (this.#folded.get(name) ?? 0) + times);
  }

  get foldedValues(): ReadonlyMap<string, number> {
    return this.#folded;
  }
}
