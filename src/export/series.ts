import { other, type Series } from "./family.ts";

interface Entry<T> {
  readonly labels: readonly string[];
  readonly of: T;
  touched: number;
}

/**
 * Series that come from what is seen, in a bounded number: the first `most` sets of label values have their own,
 * all others share one called `other`. What is not touched for long goes, and makes room.
 */
export class SeriesTable<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #most: number;
  readonly #make: () => T;
  readonly #onFold: () => void;

  constructor(most: number, make: () => T, onFold: () => void) {
    this.#most = most;
    this.#make = make;
    this.#onFold = onFold;
  }

  at(labels: readonly string[]): T {
    const key = labels.join("\0");
    let entry = this.#entries.get(key);
    if (!entry && this.#entries.size >= this.#most) {
      this.#onFold();
      return this.#other(labels.length);
    }
    entry ??= this.#add(key, labels);
    entry.touched = performance.now();
    return entry.of;
  }

  expire(olderThanMs: number): void {
    const limit = performance.now() - olderThanMs;
    for (const [key, entry] of this.#entries) if (entry.touched < limit) this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  series(value: (of: T) => Series["value"]): Series[] {
    return Array.from(this.#entries.values(), ({ labels, of }) => ({ labels, value: value(of) }));
  }

  #other(labels: number): T {
    const all = Array<string>(labels).fill(other);
    const key = all.join("\0");
    const entry = this.#entries.get(key) ?? this.#add(key, all);
    entry.touched = performance.now();
    return entry.of;
  }

  #add(key: string, labels: readonly string[]): Entry<T> {
    const entry = { labels: [...labels], of: this.#make(), touched: performance.now() };
    this.#entries.set(key, entry);
    return entry;
  }
}
