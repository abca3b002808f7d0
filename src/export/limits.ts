import type { Metric } from "../model/metric.ts";

/** How many series there may be, how long they stay, and how often the limit was met. */
export class Limits {
  readonly #folded = new Map<string, number>();

  constructor(
    public maxSeries: number,
    public expireMs: number,
  ) {}

  /** To be called for every value of this metric that had to go to `other`. */
  folded({ name }: Metric): () => void {
    return () => this.#folded.set(name, (this.#folded.get(name) ?? 0) + 1);
  }

  get foldedValues(): ReadonlyMap<string, number> {
    return this.#folded;
  }
}
