/**
 * Samples over time in an SQLite file: every second for an hour, every minute for a week, every hour for a year.
 * Written in transactions with a write-ahead log, so that a crash leaves it whole.
 */
import { Database } from "bun:sqlite";

interface Tier {
  readonly stepMs: number;
  readonly keepMs: number;
}

const tiers: readonly Tier[] = [
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

/** From when, to when, and into how many parts. */
export type Range = readonly [fromMs: number, toMs: number, parts: number];

/** All points of a part of a range. */
export interface Part {
  /** 0… */
  readonly part: number;
  readonly points: number;
  readonly low: number;
  readonly high: number;
  /** Of all values, and how many they are. */
  readonly sum: number;
  readonly n: number;
}

interface Sum {
  readonly at: number;
  low: number;
  high: number;
  sum: number;
  n: number;
}

/** Values of one series, to be stored. */
export interface Written {
  readonly key: string;
  readonly at: number;
  readonly value: number;
}

const pageBytes = 4096;
/** Values in a transaction: few enough for the room that is kept in the smallest file. */
const batchValues = 500;
/** Rows that go at once: more than a batch can add, fewer than the smallest file has. */
const roomRows = 4000;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS points (
    tier INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL,
    low REAL NOT NULL, mean REAL NOT NULL, high REAL NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (tier, series, at)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS points_by_time ON points (tier, at);`;

export class Store implements Disposable {
  readonly #database: Database;
  readonly #ids = new Map<string, number>();

  /** Fails with SQLite's own errors, as everything here does. */
  constructor(path: string, maxBytes: number) {
    this.#database = new Database(path, { create: true });
    try {
      this.#database.exec(schema);
      const pages = Math.max(64, Math.floor(maxBytes / pageBytes));
      this.#database.exec(`PRAGMA max_page_count = ${pages}`);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Values of one series should follow each other. */
  write(all: Iterable<Written>, nowMs: number): void {
    let batch: Written[] = [];
    for (const one of all) {
      if (batch.push(one) < batchValues) continue;
      this.#writeBatch(batch, nowMs);
      batch = [];
    }
    this.#writeBatch(batch, nowMs);
  }

  /** Points of a series, from the finest tier that reaches back so far and is no more than `most` points. */
  range(key: string, fromMs: number, toMs: number, most: number, nowMs: number): Point[] {
    const query = this.#database.query<Point, [number, string, number, number]>(
      `SELECT at, low, mean, high FROM points JOIN series ON series.id = points.series
       WHERE tier = ? AND key = ? AND at BETWEEN ? AND ? ORDER BY at`,
    );
    return query.all(tierOf(fromMs, toMs, most, nowMs), key, fromMs, toMs);
  }

  /** The same points, put together to `parts` at most. */
  parts(key: string, [fromMs, toMs, parts]: Range, most: number, nowMs: number): Part[] {
    const query = this.#database.query<Part, [number, number, number, number, string]>(
      `SELECT cast((at - ?2) * ?4 / (?3 + 1 - ?2) AS INTEGER) AS part, count(*) AS points, min(low) AS low,
       sum(mean * n) AS sum, sum(n) AS n, max(high) AS high
       FROM points JOIN series ON series.id = points.series
       WHERE tier = ?1 AND key = ?5 AND at BETWEEN ?2 AND ?3 GROUP BY part ORDER BY part`,
    );
    const tier = tierOf(fromMs, toMs, most, nowMs);
    return query.all(tier, fromMs, toMs, parts, key);
  }

  /** The mean of the last point of the range. */
  last(key: string, fromMs: number, toMs: number, most: number, nowMs: number): number | undefined {
    const query = this.#database.query<{ mean: number }, [number, string, number, number]>(
      `SELECT mean FROM points JOIN series ON series.id = points.series
       WHERE tier = ? AND key = ? AND at BETWEEN ? AND ? ORDER BY at DESC LIMIT 1`,
    );
    return query.get(tierOf(fromMs, toMs, most, nowMs), key, fromMs, toMs)?.mean;
  }

  keys(): string[] {
    const query = this.#database.query<{ key: string }, []>("SELECT key FROM series");
    return query.all().map(({ key }) => key);
  }

  /** A text under this name, instead of what was there. */
  note(name: string, text: string): void {
    this.#database.query("INSERT OR REPLACE INTO notes VALUES (?, ?)").run(name, text);
  }

  noted(name: string): string | undefined {
    const query = this.#database.query<{ text: string }, [string]>(
      "SELECT text FROM notes WHERE name = ?",
    );
    return query.get(name)?.text;
  }

  /** What has been kept for long enough goes, and series of which nothing is left. */
  prune(nowMs: number): void {
    const query = this.#database.query("DELETE FROM points WHERE tier = ? AND at < ?");
    for (const [tier, { keepMs }] of tiers.entries()) query.run(tier, nowMs - keepMs);
    const { changes } = this.#database
      .query(
        `DELETE FROM series WHERE NOT EXISTS
         (SELECT 1 FROM points WHERE tier IN (${[...tiers.keys()]}) AND series = series.id)`,
      )
      .run();
    if (changes > 0) this.#ids.clear();
  }

  /** Room is made before it is needed: a delete in a full file can want a page, too. */
  isNearlyFull(): boolean {
    const pragma = (name: string) =>
      Object.values(this.#database.query(`PRAGMA ${name}`).get() as object)[0] as number;
    return pragma("page_count") - pragma("freelist_count") > 0.85 * pragma("max_page_count");
  }

  /**
   * Times to come, which a clock that was wrong has left, go first; then the oldest seconds, then minutes, then
   * hours. What is newest goes only when nothing else is there.
   */
  makeRoom(nowMs: number): void {
    const query = this.#database.query<unknown, [number, number, number, number]>(
      `DELETE FROM points WHERE (tier, series, at) IN (SELECT tier, series, at FROM points
       WHERE tier = ? AND at BETWEEN ? AND ? ORDER BY at LIMIT ?)`,
    );
    let rows = roomRows;
    const remove = (tier: number, from: number, to: number) => {
      if (rows > 0) rows -= query.run(tier, from, to, rows).changes;
    };
    const all = [...tiers.keys()];
    for (const tier of all) remove(tier, nowMs + 60e3, Number.MAX_SAFE_INTEGER);
    // What the next tier's current step is made from stays.
    for (const tier of all) remove(tier, 0, nowMs - (tiers[tier + 1] ?? tiers[tier]).stepMs);
    if (rows < roomRows) return;
    for (const tier of all) remove(tier, 0, nowMs);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #writeBatch(batch: readonly Written[], nowMs: number): void {
    if (this.isNearlyFull()) this.makeRoom(nowMs);
    this.#database.transaction(() => {
      for (const [tier, { stepMs }] of tiers.entries()) {
        for (const [key, sum] of sums(batch, stepMs)) this.#put(tier, key, sum);
      }
    })();
  }

  #put(tier: number, key: string, { at, low, high, sum, n }: Sum): void {
    this.#database
      .query(
        `INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET low = min(low, excluded.low),
         mean = (mean * n + excluded.mean * excluded.n) / (n + excluded.n), high = max(high, excluded.high),
         n = n + excluded.n`,
      )
      .run(tier, this.#idOf(key), at, low, sum / n, high, n);
  }

  #idOf(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#database.query("INSERT OR IGNORE INTO series (key) VALUES (?)").run(key);
    const { id } = this.#database.query("SELECT id FROM series WHERE key = ?").get(key) as {
      id: number;
    };
    this.#ids.set(key, id);
    return id;
  }
}

function tierOf(fromMs: number, toMs: number, most: number, nowMs: number): number {
  const tier = tiers.findIndex(
    ({ stepMs, keepMs }) => nowMs - fromMs <= keepMs && (toMs - fromMs) / stepMs <= most,
  );
  return tier < 0 ? tiers.length - 1 : tier;
}

/** Values that follow each other in a step of a series are one. */
function* sums(batch: readonly Written[], stepMs: number): Generator<[string, Sum]> {
  let current: [string, Sum] | undefined;
  for (const { key, at: atMs, value } of batch) {
    const at = Math.floor(atMs / stepMs) * stepMs;
    if (current?.[0] === key && current[1].at === at) {
      const [, sum] = current;
      sum.low = Math.min(sum.low, value);
      sum.high = Math.max(sum.high, value);
      sum.sum += value;
      sum.n++;
      continue;
    }
    if (current) yield current;
    current = [key, { at, low: value, high: value, sum: value, n: 1 }];
  }
  if (current) yield current;
}
