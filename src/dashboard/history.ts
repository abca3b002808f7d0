/**
 * Samples over time in an SQLite file: every second for an hour, every minute for a week, every hour for a year.
 * Written in transactions with a write-ahead log, so that a crash loses the last second. When the file cannot be
 * used, the last quarter of an hour is kept in memory, the problem is told, and the file is tried again.
 */
import { Database } from "bun:sqlite";
import { existsSync, renameSync } from "node:fs";
import { log } from "../base/log.ts";
import type { Sample } from "./sampler.ts";

export interface Tier {
  readonly stepMs: number;
  readonly keepMs: number;
}

export const tiers: readonly Tier[] = [
  { stepMs: 1000, keepMs: 3600e3 },
  { stepMs: 60e3, keepMs: 7 * 86_400e3 },
  { stepMs: 3600e3, keepMs: 366 * 86_400e3 },
];

export interface Point {
  readonly at: number;
  readonly low: number;
  readonly mean: number;
  readonly high: number;
}

interface Sum {
  at: number;
  low: number;
  high: number;
  sum: number;
  n: number;
}

const memoryPoints = 900;
const mostSeries = 1000;
const retryMs = 10_000;
const pageBytes = 4096;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS point (
    tier INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL,
    low REAL NOT NULL, mean REAL NOT NULL, high REAL NOT NULL,
    PRIMARY KEY (tier, series, at)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS point_by_time ON point (tier, at);`;

export class History implements Disposable {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #memory = new Map<string, Point[]>();
  readonly #ids = new Map<string, number>();
  readonly #sums = tiers.map(() => new Map<string, Sum>());
  #database: Database | undefined;
  #retryAt = 0;
  #prunedAt = 0;
  /** What is wrong with the file; undefined when nothing is. */
  problem: string | undefined;

  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#open();
  }

  add(sample: Sample, nowMs: number): void {
    for (const [key, value] of sample) this.#remember(key, value, nowMs);
    if (!this.#database && nowMs >= this.#retryAt) this.#open();
    if (!this.#database) return;
    try {
      if (this.#isNearlyFull()) this.#makeRoom();
      this.#database.transaction(() => this.#write(sample, nowMs))();
      if (nowMs - this.#prunedAt > 60e3) this.#prune(nowMs);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Points of a series, from the finest tier that reaches back so far and is no more than `most` points. */
  range(key: string, fromMs: number, toMs: number, most = 2000): Point[] {
    const now = Date.now();
    const tier = tiers.findIndex(
      ({ stepMs, keepMs }) => now - fromMs <= keepMs && (toMs - fromMs) / stepMs <= most,
    );
    const recent = () =>
      (this.#memory.get(key) ?? []).filter(({ at }) => at >= fromMs && at <= toMs);
    if (!this.#database) return recent();
    try {
      const query = this.#database.query<Point, [number, string, number, number]>(
        `SELECT at, low, mean, high FROM point JOIN series ON series.id = point.series
         WHERE tier = ? AND key = ? AND at BETWEEN ? AND ? ORDER BY at`,
      );
      return query.all(tier < 0 ? tiers.length - 1 : tier, key, fromMs, toMs);
    } catch (error) {
      this.#fail(error as Error);
      return recent();
    }
  }

  keys(): string[] {
    const known = new Set(this.#memory.keys());
    try {
      const rows = this.#database?.query<{ key: string }, []>("SELECT key FROM series").all() ?? [];
      for (const { key } of rows) known.add(key);
    } catch (error) {
      this.#fail(error as Error);
    }
    return [...known].sort();
  }

  [Symbol.dispose](): void {
    try {
      this.#database?.transaction(() => this.#flush(Number.POSITIVE_INFINITY))();
    } catch {} // the problem has been told
    this.#database?.close();
    this.#database = undefined;
  }

  #remember(key: string, value: number, at: number): void {
    let points = this.#memory.get(key);
    if (!points) {
      if (this.#memory.size >= mostSeries) return;
      points = [];
      this.#memory.set(key, points);
    }
    points.push({ at, low: value, mean: value, high: value });
    if (points.length > memoryPoints) points.shift();
  }

  #write(sample: Sample, nowMs: number): void {
    for (const [tier, { stepMs }] of tiers.entries()) {
      const at = Math.floor(nowMs / stepMs) * stepMs;
      for (const [key, value] of sample) {
        if (!this.#memory.has(key)) continue;
        const sum = this.#sums[tier].get(key);
        if (sum?.at === at) {
          sum.low = Math.min(sum.low, value);
          sum.high = Math.max(sum.high, value);
          sum.sum += value;
          sum.n++;
        } else {
          if (sum) this.#store(tier, key, sum);
          this.#sums[tier].set(key, { at, low: value, high: value, sum: value, n: 1 });
        }
      }
    }
    this.#flush(nowMs);
  }

  /** Steps that are over, and the finest at once. */
  #flush(nowMs: number): void {
    for (const [tier, { stepMs }] of tiers.entries()) {
      for (const [key, sum] of this.#sums[tier]) {
        if (tier > 0 && sum.at + stepMs > nowMs) continue;
        this.#store(tier, key, sum);
        this.#sums[tier].delete(key);
      }
    }
  }

  #store(tier: number, key: string, { at, low, high, sum, n }: Sum): void {
    const database = this.#database as Database;
    let id = this.#ids.get(key);
    if (id === undefined) {
      database.query("INSERT OR IGNORE INTO series (key) VALUES (?)").run(key);
      id = database.query<{ id: number }, [string]>("SELECT id FROM series WHERE key = ?").get(key)
        ?.id as number;
      this.#ids.set(key, id);
    }
    database
      .query(
        // A step that a restart cut in two is one again.
        `INSERT INTO point VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET low = min(low, excluded.low),
         mean = (mean + excluded.mean) / 2, high = max(high, excluded.high)`,
      )
      .run(tier, id, at, low, sum / n, high);
  }

  #prune(nowMs: number): void {
    this.#prunedAt = nowMs;
    for (const [tier, { keepMs }] of tiers.entries()) {
      this.#database
        ?.query("DELETE FROM point WHERE tier = ? AND at < ?")
        .run(tier, nowMs - keepMs);
    }
  }

  #open(): void {
    try {
      const database = new Database(this.#path, { create: true });
      database.exec(schema);
      const pages = Math.max(64, Math.floor(this.#maxBytes / pageBytes));
      database.exec(`PRAGMA max_page_count = ${pages}`);
      this.#database = database;
      this.#ids.clear();
      if (this.problem) log.info(`the history in ${this.#path} is in use again`);
      this.problem = undefined;
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    const code = (error as { code?: string }).code ?? "";
    if (code === "SQLITE_FULL" && this.#makeRoom()) return;
    if (this.problem === undefined) {
      log.warn(`the history in ${this.#path} cannot be used: ${error.message}; kept in memory`);
    }
    this.problem = error.message;
    this.#database?.close();
    this.#database = undefined;
    this.#retryAt = Date.now() + retryMs;
    if (/NOTADB|CORRUPT/.test(code)) this.#setAside();
  }

  /** Room is made before it is needed: a delete in a full file can want a page, too. */
  #isNearlyFull(): boolean {
    const pragma = (name: string) =>
      Object.values(this.#database?.query(`PRAGMA ${name}`).get() as object)[0] as number;
    return pragma("page_count") - pragma("freelist_count") > 0.85 * pragma("max_page_count");
  }

  /** Full: the oldest tenth of the finest points goes. False when that does not help, as on a full disk. */
  #makeRoom(): boolean {
    try {
      const changes = this.#database
        ?.query(
          `DELETE FROM point WHERE tier = 0 AND at <= (SELECT min(at) + (max(at) - min(at)) / 10 FROM point WHERE tier = 0)`,
        )
        .run();
      return (changes?.changes ?? 0) > 0;
    } catch {
      return false;
    }
  }

  #setAside(): void {
    if (!existsSync(this.#path)) return;
    const aside = `${this.#path}.corrupt-${Date.now()}`;
    renameSync(this.#path, aside);
    log.warn(`${this.#path} is damaged and lies now in ${aside}`);
    this.#retryAt = 0;
  }
}
