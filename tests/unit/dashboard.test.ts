import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Alerts, type Rule } from "../../src/dashboard/alerts.ts";
import { bundleFiles } from "../../src/dashboard/bundle/files.ts";
import { History } from "../../src/dashboard/history.ts";
import { Sampler } from "../../src/dashboard/sampler.ts";
import type { Family } from "../../src/export/family.ts";
import { Histogram } from "../../src/stats/histogram.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-history-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the history", () => {
  test("keeps every second, and of every minute the lowest, mean and highest", () => {
    const path = join(folder, "tiers.db");
    const begin = Math.floor(Date.now() / 60e3) * 60e3 - 600e3;
    {
      using history = new History(path, 1 << 24);
      for (let s = 0; s < 300; s++) history.add(new Map([["x", s % 60]]), begin + s * 1000);
    }
    using history = new History(path, 1 << 24);
    expect(history.range("x", begin, begin + 299e3, 1000).length).toBe(300);
    const minutes = history.range("x", begin, begin + 299e3, 10);
    expect(minutes.length).toBe(5);
    expect(minutes[1]).toEqual({ at: begin + 60e3, low: 0, mean: 29.5, high: 59 });
    expect(history.keys()).toEqual(["x"]);
  });

  test("stays within its size: the oldest seconds go, the newest stay", () => {
    const path = join(folder, "full.db");
    const begin = Date.now() - 3000e3;
    using history = new History(path, 1 << 20);
    const sample = (value: number) =>
      new Map(Array.from({ length: 50 }, (_, i) => [`series ${i}`, value]));
    for (let s = 0; s < 600; s++) history.add(sample(s), begin + s * 1000);
    expect(history.problem).toBeUndefined();
    expect(statSync(path).size).toBeLessThanOrEqual(1 << 20);
    const points = history.range("series 7", begin, begin + 3000e3, 10_000);
    expect(points.length).toBeGreaterThan(50);
    expect(points.length).toBeLessThan(600);
    expect(points.at(-1)?.mean).toBe(599);
  });

  test("without a usable file it remembers what is recent, and says what is wrong", () => {
    const now = Date.now();
    using history = new History("/proc/none.db", 1 << 20);
    for (let s = 0; s < 1000; s++) history.add(new Map([["x", s]]), now - (1000 - s) * 1000);
    expect(history.problem).toBeString();
    const points = history.range("x", 0, now);
    expect([points.length, points[0].mean, points.at(-1)?.mean]).toEqual([900, 100, 999]);
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
    sampler.take(family(10, histogram), 1000);
    histogram.add(1000, 50);
    const sample = sampler.take(family(30, histogram), 3000);
    expect(sample.get('c_total{who="a\\"b"}:rate')).toBe(10);
    expect(sample.get("h_seconds:rate")).toBe(25);
    expect(sample.get("h_seconds:p99")).toBeLessThan(1.1e-6);
    expect(sampler.heat("h_seconds")[0].counts[9]).toBe(50); // 512 … 1023 ns
  });

  test("a counter that began anew is no negative rate", () => {
    const sampler = new Sampler();
    sampler.take(family(10, new Histogram()), 1000);
    expect(sampler.take(family(3, new Histogram()), 2000).get('c_total{who="a\\"b"}:rate')).toBe(0);
  });
});

describe("alerts", () => {
  const rule: Rule = { name: "r", series: "x{*}:p99", above: 5, for: 10e9 };
  const at = (value: number) => new Map([['x{a="b"}:p99', value]]);

  test("wait for their duration, begin anew after a pause, and end", () => {
    const alerts = new Alerts([rule]);
    alerts.judge(at(6), 0);
    expect(alerts.list(0)[0]).toMatchObject({ state: "pending", sinceMs: 0 });
    alerts.judge(at(4), 5000);
    expect(alerts.list(5000)).toEqual([]);
    alerts.judge(at(6), 6000);
    alerts.judge(at(7), 15_999);
    expect(alerts.list(15_999)[0].state).toBe("pending");
    alerts.judge(at(7), 16_000);
    expect(alerts.list(16_000)[0]).toMatchObject({
      state: "firing",
      value: 7,
      series: 'x{a="b"}:p99',
    });
    expect(alerts.silence("r", 20_000)).toBe(true);
    expect(alerts.list(19_000)[0].silenced).toBe(true);
    expect(alerts.list(21_000)[0].silenced).toBe(false);
    expect(alerts.silence("none", 1)).toBe(false);
    alerts.judge(at(1), 22_000);
    expect(alerts.list(22_000)).toEqual([]);
  });
});

test("the files for Prometheus and Grafana are what they were", () => {
  const files = bundleFiles("127.0.0.1:19435");
  expect([...files.keys()]).toContain("grafana/dashboards/tcp.json");
  for (const [path, text] of files) {
    if (path.endsWith(".json")) expect(() => JSON.parse(text)).not.toThrow();
    else expect(() => Bun.YAML.parse(text)).not.toThrow();
  }
});
