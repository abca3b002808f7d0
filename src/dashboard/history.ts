/**
 * The history: a file that is written every five seconds, and the last quarter of an hour in memory. When the file
 * cannot be used, that is told and the file tried again every ten seconds; what memory still holds goes into it then.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { log } from "../base/log.ts";
import { type Moment, thisMoment } from "./moment.ts";
import { Recent } from "./recent.ts";
import type { Sample } from "./sampler.ts";
import { type Part, type Point, type Range, Store, type Written } from "./store.ts";

const writeMs = 5000;
const retryMs = 10_000;
const pruneMs = 60_000;
/** Nothing is thrown away for being old until the clock has gone on for so long without having been set. */
const trustMs = 3600e3;
const setMs = 60_000;

export class History implements Disposable {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #recent = new Recent();
  #store: Store | undefined;
  #isWanted = false;
  /** What wall and steady clock differ by; undefined until the first sample. */
  #offsetMs: number | undefined;
  #now = thisMoment();
  #retryAt = Number.NEGATIVE_INFINITY;
  #writeAt = Number.NEGATIVE_INFINITY;
  #pruneAt = Number.POSITIVE_INFINITY;
  /** The first sample that the file does not have. */
  #missing = 0;
  /** Those that the file does not have. */
  readonly #notes = new Map<string, string>();
  /** What is wrong with the file; undefined when nothing is. */
  problem: string | undefined;

  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** The file is used from now on; until then all is kept in memory. */
  open(): void {
    this.#isWanted = true;
    this.#open();
  }

  add(sample: Sample, now: Moment): void {
    const { atMs, steadyMs } = now;
    this.#now = now;
    this.#watchClock(now);
    this.#recent.add(sample, atMs);
    if (this.#isWanted && !this.#store && steadyMs >= this.#retryAt) this.#open();
    if (!this.#store || steadyMs < this.#writeAt) return;
    this.#writeAt = steadyMs + writeMs;
    this.#tryTo((store) => {
      if (steadyMs >= this.#pruneAt) {
        store.prune(atMs);
        this.#pruneAt = steadyMs + pruneMs;
      }
      this.#write(store);
    });
  }

  /** Points of a series, of a second, a minute or an hour each, and no more than `most`. */
  range(key: string, fromMs: number, toMs: number, most = 2000): Point[] {
    const points = this.#tryTo((store) => {
      this.#write(store);
      return store.range(key, fromMs, toMs, most, Math.max(this.#now.atMs, toMs));
    });
    if (points) return points;
    return this.#remembered(key, fromMs, toMs).map(({ at, value }) => ({
      ...{ at, low: value, mean: value, high: value },
    }));
  }

  /** What a range is made of, in a few parts; those without a point are left out. */
  parts(key: string, range: Range, most = 2000): Part[] {
    const [fromMs, toMs, parts] = range;
    const nowMs = Math.max(this.#now.atMs, toMs);
    const stored = this.#tryTo((store) => store.parts(key, range, most, nowMs));
    if (stored) return stored;
    const partOf = (at: number) => Math.floor(((at - fromMs) * parts) / (toMs + 1 - fromMs));
    const byPart = Map.groupBy(this.#remembered(key, fromMs, toMs), ({ at }) => partOf(at));
    return Array.from(byPart, ([part, points]) => {
      const values = points.map(({ value }) => value);
      const sum = values.reduce((all, value) => all + value, 0);
      const n = values.length;
      return { part, points: n, low: Math.min(...values), high: Math.max(...values), sum, n };
    });
  }

  /** The last value of a range. */
  last(key: string, fromMs: number, toMs: number, most = 2000): number | undefined {
    const nowMs = Math.max(this.#now.atMs, toMs);
    const stored = this.#tryTo((store) => store.last(key, fromMs, toMs, most, nowMs));
    return stored ?? this.#remembered(key, fromMs, toMs).at(-1)?.value;
  }

  #remembered(key: string, fromMs: number, toMs: number): { at: number; value: number }[] {
    return [...this.#recent.since(0, key)]
      .filter(({ at }) => at >= fromMs && at <= toMs)
      .sort((a, b) => a.at - b.at);
  }

  /** Of what is in memory, and in the file, to which it brings what it does not have. */
  keys(): string[] {
    const stored = this.#tryTo((store) => {
      this.#write(store);
      return store.keys();
    });
    return [...new Set([...this.#recent.keys(), ...(stored ?? [])])].sort();
  }

  /** Keeps a text under this name, in the file as soon as that can be used. */
  note(name: string, text: string): void {
    this.#notes.set(name, text);
    this.#tryTo((store) => this.#writeNotes(store));
  }

  noted(name: string): string | undefined {
    return this.#notes.get(name) ?? this.#tryTo((store) => store.noted(name));
  }

  [Symbol.dispose](): void {
    this.#tryTo((store) => this.#write(store));
    this.#store?.[Symbol.dispose]();
    this.#store = undefined;
  }

  #tryTo<T>(act: (store: Store) => T): T | undefined {
    try {
      return this.#store && act(this.#store);
    } catch (error) {
      this.#fail(error as Error);
      return undefined;
    }
  }

  #write(store: Store): void {
    store.write(this.#unwritten(), this.#now.atMs);
    this.#writeNotes(store);
    this.#missing = this.#recent.taken;
    if (this.problem) log.info(`the history in ${this.#path} is in use again`);
    this.problem = undefined;
  }

  #writeNotes(store: Store): void {
    for (const [name, text] of this.#notes) {
      store.note(name, text);
      this.#notes.delete(name);
    }
  }

  *#unwritten(): Generator<Written> {
    for (const key of this.#recent.keys()) {
      for (const { at, value } of this.#recent.since(this.#missing, key)) yield { key, at, value };
    }
  }

  #watchClock({ atMs, steadyMs }: Moment): void {
    const offset = atMs - steadyMs;
    const byMs = offset - (this.#offsetMs ?? offset);
    const isSet = Math.abs(byMs) > setMs;
    if (isSet) {
      log.warn(`the clock was set ${byMs > 0 ? "forward" : "back"} by ${Math.abs(byMs) / 1000} s`);
    }
    if (isSet || this.#offsetMs === undefined) this.#pruneAt = steadyMs + trustMs;
    this.#offsetMs = offset;
  }

  #open(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      this.#store = new Store(this.#path, this.#maxBytes);
      this.#writeAt = Number.NEGATIVE_INFINITY;
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.#store?.[Symbol.dispose]();
    this.#store = undefined;
    this.#retryAt = this.#now.steadyMs + retryMs;
    const isDamaged = /NOTADB|CORRUPT/.test((error as { code?: string }).code ?? "");
    const why = [error.message, ...(isDamaged ? this.#setAside() : [])].join("; ");
    if (this.problem === undefined) {
      log.warn(`the history in ${this.#path} cannot be used: ${why}; kept in memory`);
    }
    this.problem = why;
  }

  /** Gives why it cannot be. */
  #setAside(): string[] {
    if (!existsSync(this.#path)) return [];
    const aside = `${this.#path}.corrupt-${Date.now()}`;
    try {
      renameSync(this.#path, aside);
    } catch (error) {
      return [`it cannot be set aside: ${(error as Error).message}`];
    }
    log.warn(`${this.#path} is damaged and lies now in ${aside}`);
    this.#retryAt = Number.NEGATIVE_INFINITY;
    return [];
  }
}
