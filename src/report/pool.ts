import { quantileSorted } from "../stats/summary.ts";

/** Into how many batches the values of one repetition are cut at most. */
const batchesPerRep = 20;

/** Quantiles of the batches of one repetition, in order of time. */
export interface Batches {
  readonly p50: readonly number[];
  /** Empty where a batch has fewer than 100 values. */
  readonly p99: readonly number[];
}

/** Values of several repetitions, each in order of time, one after the other. NaN is left out. */
export class Pool {
  #values: Float64Array;
  #length = 0;
  /** One per repetition. */
  readonly batches: Batches[] = [];

  constructor(rows: number) {
    this.#values = new Float64Array(Math.max(16, Math.min(rows, 50_000_000)));
  }

  /** Adds the first `length` values of a repetition; none when they are not given. */
  add(values: Float64Array | undefined, length = 0): void {
    const from = this.#length;
    this.#reserve(from + length);
    for (let row = 0; values !== undefined && row < length; row++) {
      if (!Number.isNaN(values[row])) this.#values[this.#length++] = values[row];
    }
    this.batches.push(batchesOf(this.#values.subarray(from, this.#length)));
  }

  /** All values in ascending order. Nothing can be added afterwards. */
  sorted(): Float64Array {
    return this.#values.subarray(0, this.#length).sort();
  }

  #reserve(needed: number): void {
    if (needed <= this.#values.length) return;
    const longer = new Float64Array(Math.ceil(needed * 1.25));
    longer.set(this.#values.subarray(0, this.#length));
    this.#values = longer;
  }
}

function batchesOf(values: Float64Array): Batches {
  const count = Math.min(batchesPerRep, values.length);
  const p50: number[] = [];
  const p99: number[] = [];
  for (let batch = 0; batch < count; batch++) {
    const from = Math.floor((batch * values.length) / count);
    const ascending = values.slice(from, Math.floor(((batch + 1) * values.length) / count)).sort();
    p50.push(quantileSorted(ascending, 0.5));
    if (ascending.length >= 100) p99.push(quantileSorted(ascending, 0.99));
  }
  return { p50, p99 };
}
