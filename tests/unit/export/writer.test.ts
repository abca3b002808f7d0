import { describe, expect, setSystemTime, test } from "bun:test";
import fc from "fast-check";
import { boundsOf } from "../../../src/export/bounds.ts";
import type { Family } from "../../../src/export/family.ts";
import { wantedFormat } from "../../../src/export/negotiate.ts";
import { SeriesTable } from "../../../src/export/series.ts";
import { write } from "../../../src/export/writer.ts";
import type { Metric } from "../../../src/model/metric.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

const times: Metric = {
  name: "t_seconds",
  type: "histogram",
  help: 'Times, with "quotes" and \\.',
  labels: ["who"],
  rangeNs: [1000, 1e9],
};

function page(values: readonly number[], label = "a"): string {
  const histogram = new Histogram();
  histogram.addAll(values);
  const sumSeconds = values.reduce((sum, one) => sum + one, 0) / 1e9;
  const value = { histogram, unitSeconds: 1e-9, sumSeconds };
  return write([{ metric: times, series: [{ labels: [label], value }] }], "text");
}

describe("the text writer", () => {
  test("every bucket counts exactly the values at or below its bound", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2e9 }), { maxLength: 200 }), (values) => {
        for (const [, le, count] of page(values).matchAll(/le="([^"]+)"} (\d+)/g)) {
          const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Math.round(Number(le) * 1e9);
          expect(Number(count)).toBe(values.filter((value) => value <= bound).length);
        }
      }),
    );
  });

  test("a value on a bound belongs to its bucket, one above does not", () => {
    for (const { seconds, le } of boundsOf(times, 1e-9)) {
      const ns = Math.round(seconds * 1e9);
      const text = page([ns, ns + 1]);
      expect(text).toContain(`t_seconds_bucket{who="a",le="${le}"} 1\n`);
    }
  });

  test("labels with quotes, backslashes, newlines and UTF-8 stay one line", () => {
    const text = page([1], 'a"b\\c\nd é 漢');
    expect(text).toContain('t_seconds_count{who="a\\"b\\\\c\\nd é 漢"} 1\n');
  });

  test("text and OpenMetrics differ where they must", () => {
    const counter: Family = {
      metric: { name: "x_bytes_total", type: "counter", help: "Bytes.", labels: [] },
      series: [{ labels: [], value: 7 }],
    };
    expect(write([counter], "text")).toBe(
      "# HELP x_bytes_total Bytes.\n# TYPE x_bytes_total counter\nx_bytes_total 7\n",
    );
    expect(write([counter], "openmetrics")).toBe(
      "# HELP x_bytes Bytes.\n# TYPE x_bytes counter\n# UNIT x_bytes bytes\nx_bytes_total 7\n# EOF\n",
    );
  });

  test("a family without series is left out", () => {
    expect(write([{ metric: times, series: [] }], "text")).toBe("");
  });
});

describe("the format", () => {
  test("follows what the scraper wants most", () => {
    const prometheus =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," +
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    expect(wantedFormat(prometheus)).toBe("protobuf");
    expect(wantedFormat("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")).toBe(
      "openmetrics",
    );
    for (const accept of [null, "", "*/*", "text/html", "application/openmetrics-text;version=9"]) {
      expect(wantedFormat(accept)).toBe("text");
    }
  });
});

describe("series", () => {
  test("100,000 labels: the first ones have their own, the rest is one, and it is counted", () => {
    let folded = 0;
    const table = new SeriesTable(
      1000,
      () => ({ n: 0 }),
      () => folded++,
    );
    for (let i = 0; i < 100_000; i++) table.at([`peer ${i}`, "ok"]).n++;
    const series = table.series(({ n }) => n);
    expect(series.length).toBe(1001);
    expect(folded).toBe(99_000);
    expect(series.at(-1)).toEqual({ labels: ["other", "other"], value: 99_000 });
  });

  test("what is not touched for long goes, and makes room", () => {
    const table = new SeriesTable(
      1,
      () => ({}),
      () => {},
    );
    const first = table.at(["a"]);
    table.expire(-1);
    expect(table.size).toBe(0);
    expect(table.at(["a"])).not.toBe(first);
  });

  test("a clock that is set forward takes nothing away", () => {
    const table = new SeriesTable(
      1,
      () => ({}),
      () => {},
    );
    table.at(["a"]);
    try {
      setSystemTime(new Date(Date.now() + 3600e3));
      table.expire(60_000);
    } finally {
      setSystemTime();
    }
    expect(table.size).toBe(1);
  });
});
