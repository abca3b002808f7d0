import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Alerts } from "../../../src/dashboard/alerts.ts";
import { bundleFiles } from "../../../src/dashboard/bundle/files.ts";
import { History } from "../../../src/dashboard/history.ts";
import type { Moment } from "../../../src/dashboard/moment.ts";
import { Sampler } from "../../../src/dashboard/sampler.ts";
import { Store } from "../../../src/dashboard/store.ts";
import type { Family } from "../../../src/export/family.ts";
import type { Metric } from "../../../src/model/metric.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-history-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A moment `ms` after `begin`, on a clock that nobody sets. */
const after = (ms: number, begin = 0): Moment => ({ atMs: begin + ms, steadyMs: ms });

function openHistory(path: string, maxBytes: number): History {
  const history = new History(path, maxBytes);
  history.open();
  return history;
}

describe("the history", () => {
  test("keeps every second, and of every minute the lowest, mean and highest", () => {
    const path = join(folder, "tiers.db");
    const begin = Math.floor(Date.now() / 60e3) * 60e3 - 600e3;
    {
      using history = openHistory(path, 1 << 24);
      for (let s = 0; s < 300; s++) history.add(new Map([["x", s % 60]]), after(s * 1000, begin));
    }
    using history = openHistory(path, 1 << 24);
    expect(history.range("x", begin, begin + 299e3, 1000).length).toBe(300);
    const minutes = history.range("x", begin, begin + 299e3, 10);
    expect(minutes.length).toBe(5);
    expect(minutes[1]).toEqual({ at: begin + 60e3, low: 0, mean: 29.5, high: 59 });
    expect(history.keys()).toEqual(["x"]);
  });

  test.each([
    ["a file", join(folder, "parts.db")],
    ["memory", "/proc/none.db"],
  ])("puts a range together, weighted by how much each point stands for: %s", (_, path) => {
    const begin = Math.floor(Date.now() / 60e3) * 60e3 - 600e3;
    using history = openHistory(path, 1 << 24);
    for (let s = 0; s < 90; s++) history.add(new Map([["x", s]]), after(s * 1000, begin));
    expect(history.keys()).toEqual(["x"]); // and all of it is written
    const all = history.parts("x", [begin, begin + 119_999, 2]);
    expect(all).toMatchObject([
      { part: 0, low: 0, high: 59, sum: 1770, n: 60 },
      { part: 1, low: 60, high: 89, sum: 2235, n: 30 },
    ]);
    expect(history.last("x", begin, begin + 119_999)).toBe(89);
    expect(history.last("x", begin, begin + 30_000)).toBe(30);
    expect(history.parts("y", [begin, begin + 1, 2])).toEqual([]);
  });

  test("stays within its size: the oldest seconds go, the newest stay", () => {
    const path = join(folder, "full.db");
    const begin = Date.now() - 3000e3;
    using history = openHistory(path, 1 << 20);
    const sample = (value: number) =>
      new Map(Array.from({ length: 50 }, (_, i) => [`series ${i}`, value]));
    for (let s = 0; s < 600; s++) history.add(sample(s), after(s * 1000, begin));
    expect(history.problem).toBeUndefined();
    expect(statSync(path).size).toBeLessThanOrEqual(1 << 20);
    const points = history.range("series 7", begin, begin + 3000e3, 10_000);
    expect(points.length).toBeGreaterThan(50);
    expect(points.length).toBeLessThan(600);
    expect(points.at(-1)?.mean).toBe(599);
  });

  test("a file full of minutes loses the oldest of them, then of the hours, and goes on", () => {
    const path = join(folder, "minutes.db");
    const begin = Math.floor(Date.now() / 3600e3) * 3600e3 - 86_400e3;
    const minutes = 24 * 60;
    using store = new Store(path, 1 << 20);
    const series = Array.from({ length: 50 }, (_, i) => `series ${i}`);
    for (let m = 0; m < minutes; m++) {
      const at = begin + m * 60e3;
      store.write(
        series.map((key) => ({ key, at, value: Math.sqrt(m) })), // eight bytes each
        at,
      );
    }
    expect(statSync(path).size).toBeLessThanOrEqual(1 << 20);
    const now = begin + (minutes - 1) * 60e3;
    const kept = store.range("series 7", now - 86_400e3 + 60e3, now, 10_000, now);
    expect(kept.at(-1)?.mean).toBe(Math.sqrt(minutes - 1));
    expect(kept.length).toBeGreaterThan(60);
    expect(kept.length).toBeLessThan(minutes);
    expect(store.range("series 7", begin, now, 30, now)[0].at).toBe(begin); // hours
  });

  test("in a file as small as can be, more series than ever fit in leave it at the newest", () => {
    using store = new Store(join(folder, "many.db"), 1 << 20);
    const begin = Date.now();
    for (let s = 0; s < 100; s += 5) {
      const written = Array.from({ length: 1000 }, (_, i) =>
        Array.from({ length: 5 }, (_, k) => ({
          ...{ key: `series ${i}`, at: begin + (s + k) * 1000, value: Math.sqrt(s + k) },
        })),
      );
      store.write(written.flat(), begin + (s + 4) * 1000);
    }
    const now = begin + 99e3;
    expect(store.range("series 999", now - 5000, now, 10, now).at(-1)?.mean).toBe(Math.sqrt(99));
  });

  test("a series of which nothing is left goes with its name, and may come again", () => {
    using store = new Store(join(folder, "names.db"), 1 << 20);
    const year = 366 * 86_400e3;
    const write = (key: string, at: number) => store.write([{ key, at, value: 1 }], at);
    write("gone", 1e12);
    write("here", 1e12 + 2 * year);
    store.prune(1e12 + 2 * year);
    expect(store.keys()).toEqual(["here"]);
    write("gone", 1e12 + 2 * year);
    expect(store.keys()).toEqual(["here", "gone"]);
    expect(store.range("gone", 1e12, 1e12 + 3 * year, 10_000, 1e12 + 2 * year).length).toBe(1);
  });

  test("without a usable file it remembers what is recent, and says what is wrong", () => {
    const now = Date.now();
    using history = openHistory("/proc/none.db", 1 << 20);
    for (let s = 0; s < 1000; s++) history.add(new Map([["x", s]]), after(s * 1000, now - 1000e3));
    expect(history.problem).toBeString();
    const points = history.range("x", 0, now);
    expect([points.length, points[0].mean, points.at(-1)?.mean]).toEqual([900, 100, 999]);
  });
});

describe("the history's clock and file", () => {
  const year = 366 * 86_400e3;
  const minute = 60e3;

  test("a clock set forward by a year and back again throws nothing away", () => {
    const path = join(folder, "clock.db");
    const begin = Date.now() - 120 * minute;
    const one = new Map([["x", 1]]);
    {
      using history = openHistory(path, 1 << 24);
      for (let i = 0; i < 120; i++) history.add(one, after(i * minute, begin));
      for (let i = 120; i < 130; i++) history.add(one, after(i * minute, begin + year));
      for (let i = 130; i < 140; i++) history.add(one, after(i * minute, begin - 10 * minute));
    }
    using history = openHistory(path, 1 << 24);
    const now = begin + 120 * minute;
    const points = history.range("x", now - 29.5 * minute, now + 9.5 * minute, 10_000);
    expect(points.length).toBe(29 + 10);
  });

  test("an hour after it was set, what is old goes as ever", () => {
    const path = join(folder, "prune.db");
    const begin = Date.now() - year;
    const one = new Map([["x", 1]]);
    using store = new Store(path, 1 << 24);
    const count = () => store.range("x", begin - 1000, begin + 60 * minute, 10_000, begin).length;
    using history = openHistory(path, 1 << 24);
    for (let i = 0; i < 10; i++) history.add(one, after(i * minute, begin));
    expect(count()).toBe(10);
    for (let i = 10; i < 70; i++) history.add(one, after(i * minute, begin + year));
    expect(count()).toBe(10);
    for (let i = 70; i < 75; i++) history.add(one, after(i * minute, begin + year));
    expect(count()).toBe(0);
  });

  test("in a full file the times to come that a wrong clock left go first", () => {
    const path = join(folder, "future.db");
    const begin = Date.now() - 600e3;
    using history = openHistory(path, 1 << 20);
    const sample = new Map(Array.from({ length: 50 }, (_, i) => [`series ${i}`, Math.SQRT2]));
    for (let s = 0; s < 100; s++) history.add(sample, after(s * 1000, begin + year));
    for (let s = 100; s < 500; s++) history.add(sample, after(s * 1000, begin));
    expect(history.problem).toBeUndefined();
    const points = history.range("series 7", begin, begin + 500e3, 10_000);
    expect(points.at(-1)?.at).toBe(Math.floor((begin + 499e3) / 1000) * 1000);
    expect(points.length).toBeGreaterThan(50);
    using store = new Store(path, 1 << 20);
    expect(
      store.range("series 7", begin + year, begin + year + 300e3, 10_000, begin + year),
    ).toEqual([]);
  });

  test("what is measured before it may be opened goes into it, too", () => {
    const path = join(folder, "held.db");
    const begin = Date.now() - 60e3;
    {
      using history = new History(path, 1 << 24);
      const add = (s: number) => history.add(new Map([["x", s]]), after(s * 1000, begin));
      for (let s = 0; s < 23; s++) add(s);
      expect(existsSync(path)).toBe(false);
      history.open();
      add(23);
    }
    using history = openHistory(path, 1 << 24);
    expect(history.range("x", begin - 1000, begin + 60e3).length).toBe(24);
  });

  test("in memory, what a clock set back has mixed is in order", () => {
    const now = Date.now();
    using history = openHistory("/proc/none.db", 1 << 20);
    for (const [i, at] of [5, 6, 7, 3, 4].entries()) {
      history.add(new Map([["x", at]]), { atMs: now + at * 1000, steadyMs: i * 1000 });
    }
    expect(history.range("x", 0, now + 1e6).map(({ mean }) => mean)).toEqual([3, 4, 5, 6, 7]);
  });

  test("a file that can be used again gets what was measured meanwhile", () => {
    const path = join(folder, "later/kept.db");
    writeFileSync(join(folder, "later"), "no folder");
    const begin = Date.now() - 60e3;
    {
      using history = openHistory(path, 1 << 24);
      const begun = performance.now();
      const add = (s: number) =>
        history.add(new Map([["x", s]]), {
          atMs: begin + s * 1000,
          steadyMs: begun + s * 1000,
        });
      for (let s = 0; s < 23; s++) add(s);
      expect(history.problem).toBeString();
      rmSync(join(folder, "later"));
      for (let s = 23; s < 46; s++) add(s);
      expect(history.problem).toBeUndefined();
    }
    using history = openHistory(path, 1 << 24);
    const points = history.range("x", begin - 1000, begin + 60e3);
    expect(points.map(({ mean }) => mean)).toEqual(Array.from({ length: 46 }, (_, s) => s));
  });
});

describe("the sampler", () => {
  const family = (count: number, histogram: Histogram): Family[] => [
    {
      metric: { name: "c_total", type: "counter", help: "", labels: ["who"] },
      series: [{ labels: ['a"b'], value: count }],
    },
    {
      metric: { name: "h_seconds", type: "histogram", help: "", labels: [] },
      series: [{ labels: [], value: { histogram, unitSeconds: 1e-9, sumSeconds: 0 } }],
    },
  ];

  test("counters become rates, histograms quantiles of what is new", () => {
    const sampler = new Sampler();
    const histogram = new Histogram();
    histogram.add(1e6, 100);
    sampler.take(family(10, histogram), after(1000));
    histogram.add(1000, 50);
    const sample = sampler.take(family(30, histogram), after(3000));
    expect(sample.get('c_total{who="a\\"b"}:rate')).toBe(10);
    expect(sample.get("h_seconds:rate")).toBe(25);
    expect(sample.get("h_seconds:p99")).toBeLessThan(1.1e-6);
    expect(sampler.heat("h_seconds")[0].counts[9]).toBe(50); // 512 … 1023 ns
  });

  test("a counter that began anew is no negative rate", () => {
    const sampler = new Sampler();
    sampler.take(family(10, new Histogram()), after(1000));
    expect(
      sampler.take(family(3, new Histogram()), after(2000)).get('c_total{who="a\\"b"}:rate'),
    ).toBe(0);
  });
});

test("neither rates nor alerts heed a clock that is set", () => {
  const metric: Metric = { name: "c_total", type: "counter", help: "", labels: [] };
  const sampler = new Sampler();
  const take = (value: number, now: Moment) =>
    sampler.take([{ metric, series: [{ labels: [], value }] }], now).get("c_total:rate");
  take(10, { atMs: 9e6, steadyMs: 1000 });
  expect(take(30, { atMs: 1e6, steadyMs: 3000 })).toBe(10);
  expect(take(50, { atMs: 9e9, steadyMs: 5000 })).toBe(10);

  const alerts = new Alerts([{ name: "r", series: "x", above: 5, for: 10e9 }]);
  const judge = (now: Moment) => {
    alerts.judge(new Map([["x", 6]]), now);
    return alerts.list(now)[0].state;
  };
  expect(judge({ atMs: 5e6, steadyMs: 0 })).toBe("pending");
  expect(judge({ atMs: 9e9, steadyMs: 9999 })).toBe("pending");
  expect(judge({ atMs: 0, steadyMs: 10_000 })).toBe("firing");
});

test("the files for Prometheus and Grafana are what they were", () => {
  const files = bundleFiles("127.0.0.1:19435", { tls: false, user: undefined });
  expect([...files.keys()]).toContain("grafana/dashboards/tcp.json");
  for (const [path, text] of files) {
    if (path.endsWith(".json")) expect(() => JSON.parse(text)).not.toThrow();
    else expect(() => Bun.YAML.parse(text)).not.toThrow();
  }
});

test("Prometheus is told of TLS and the user, and never of a password", () => {
  const text = bundleFiles("h:1", { tls: true, user: "ops" }).get("prometheus/prometheus.yml");
  const { scrape_configs } = Bun.YAML.parse(text as string) as { scrape_configs: object[] };
  expect(scrape_configs[0]).toEqual({
    job_name: "komon",
    scheme: "https",
    tls_config: { ca_file: "komon.pem" },
    basic_auth: { username: "ops", password_file: "komon.password" },
    static_configs: [{ targets: ["h:1"] }],
  });
});
