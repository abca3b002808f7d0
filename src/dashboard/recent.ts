/** The last quarter of an hour of every series, in memory. */
import type { Sample } from "./sampler.ts";

const most = 900;
const mostSeries = 1000;

interface Column {
  readonly values: Float64Array;
  /** Number of the last sample that had a value. */
  last: number;
}

export class Recent {
  readonly #times = new Float64Array(most);
  readonly #columns = new Map<string, Column>();
  #taken = 0;

  /** Of series beyond the limit only those whose place is free; one without news for so long has lost its place. */
  add(sample: Sample, atMs: number): void {
    const slot = this.#taken % most;
    this.#times[slot] = atMs;
    for (const [key, { values, last }] of this.#columns) {
      values[slot] = Number.NaN;
      if (this.#taken - last >= most) this.#columns.delete(key);
    }
    for (const [key, value] of sample) {
      const column = this.#columns.get(key) ?? this.#make(key);
      if (!column) continue;
      column.values[slot] = value;
      column.last = this.#taken;
    }
    this.#taken++;
  }

  has(key: string): boolean {
    return this.#columns.has(key);
  }

  keys(): Iterable<string> {
    return this.#columns.keys();
  }

  /** How many samples there have been. */
  get taken(): number {
    return this.#taken;
  }

  /** Values of a series since that sample, in the order they were taken. */
  *since(sample: number, key: string): Generator<{ at: number; value: number }> {
    const column = this.#columns.get(key);
    for (let i = Math.max(sample, this.#taken - most, 0); column && i < this.#taken; i++) {
      const value = column.values[i % most];
      if (!Number.isNaN(value)) yield { at: this.#times[i % most], value };
    }
  }

  #make(key: string): Column | undefined {
    if (this.#columns.size >= mostSeries) return undefined;
    const column = { values: new Float64Array(most).fill(Number.NaN), last: 0 };
    this.#columns.set(key, column);
    return column;
  }
}
