import { describe, expect, test } from "bun:test";
import { between, spanBetween } from "../../../src/monitor/interval.ts";
import { LineWriter } from "../../../src/monitor/lines.ts";
import { LiveView } from "../../../src/monitor/live.ts";
import { columns, rowsOf, type Told } from "../../../src/monitor/rows.ts";
import { parseObjective, violations } from "../../../src/monitor/slo.ts";
import type { Account, Look, Source } from "../../../src/monitor/source.ts";
import type { SpanHistogram } from "../../../src/probes/histograms.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

const noAccount: Account = {
  ...{ seen: 0, matched: 0, expired: 0, expiredStack: 0, expiredUnsent: 0, expiredUnread: 0 },
  ...{ collided: 0, filtered: 0, lost: 0, inFlight: 0 },
};

function spanOf(...values: number[]): SpanHistogram {
  const histogram = new Histogram();
  histogram.addAll(values);
  const sumNs = values.reduce((sum, ns) => sum + ns, 0);
  return { histogram, sumNs, maxNs: Math.max(0, ...values) };
}

function look(atNs: number, values: readonly number[], account: Partial<Account> = {}): Look {
  return {
    atNs,
    spans: new Map([["service", spanOf(...values)]]),
    account: { ...noAccount, ...account },
    depth: values.length,
    deadline: undefined,
  };
}

describe("what lies between two looks", () => {
  test("is only what came between: count, rate, mean, quantiles", () => {
    const one = spanBetween("service", spanOf(5, 5, 900), spanOf(5, 5, 900, 7, 9, 11), 2);
    expect(one).toMatchObject({ packets: 3, pps: 1.5, meanNs: 9, p50Ns: 9, p99Ns: 11 });
  });

  test("the maximum is exact when it is the largest so far, else its bucket's end", () => {
    expect(spanBetween("service", spanOf(5), spanOf(5, 1001), 1).maxNs).toBe(1001);
    const later = spanBetween("service", spanOf(5000), spanOf(5000, 1001), 1).maxNs;
    expect(later).toBeGreaterThanOrEqual(1001);
    expect(later).toBeLessThan(1001 * 1.0625);
    expect(spanBetween("service", spanOf(1001), spanOf(1001, 1001), 1).maxNs).toBe(1001);
  });

  test("the mean is right also where the kernel's sum of 64 bits wraps in between", () => {
    const early = { ...spanOf(5), sumNs: 2 ** 64 - 8192 };
    const late = { ...spanOf(5, 10_000, 12_384), sumNs: 22_384 - 8192 };
    expect(spanBetween("service", early, late, 1).meanNs).toBe(11_192);
  });

  test("no quantile is above the maximum", () => {
    const one = spanBetween("service", undefined, spanOf(1024, 1025), 1);
    expect(one.p999Ns).toBeLessThanOrEqual(one.maxNs);
    expect(one.maxNs).toBe(1025);
  });

  test("without packets there is no time", () => {
    const one = spanBetween("service", spanOf(5), spanOf(5), 1);
    expect(one).toMatchObject({
      packets: 0,
      pps: 0,
      meanNs: Number.NaN,
      p50Ns: Number.NaN,
      maxNs: Number.NaN,
    });
  });

  test("the account is a difference, what is in flight is not", () => {
    const before = look(0, [], { seen: 10, matched: 8, inFlight: 2 });
    const now = look(5e8, [1], { seen: 15, matched: 12, expired: 1, inFlight: 2 });
    expect(between(before, now)).toMatchObject({
      seconds: 0.5,
      depth: 1,
      account: { ...noAccount, seen: 5, matched: 4, expired: 1, inFlight: 2 },
    });
  });
});

const source: Source = {
  name: "port 1234",
  port: 1234,
  spans: ["service"],
  look: () => look(0, []),
};

function told(before: Look, now: Look, ...objectives: string[]): Told {
  const interval = between(before, now);
  const violated = violations(objectives.map(parseObjective), interval);
  return { source, interval, at: new Date(2026, 0, 2, 3, 4, 5), violated, deadline: undefined };
}

describe("what is told", () => {
  const loss = { seen: 5, expired: 3, expiredStack: 2, expiredUnsent: 1, collided: 1, lost: 4 };

  test("lines: a head, a line a span, what is missing and violated below it", () => {
    const text = new LineWriter(false).write(
      told(look(0, []), look(1e9, [742, 742, 5130], loss), "service.p50<100ns"),
    );
    expect(text).toBe(`\
time     span         rate     p50     p90     p99   p99.9     max depth
03:04:05 service     3 pps  759 ns 5.13 µs 5.13 µs 5.13 µs 5.13 µs     3
03:04:05         missing: 2 dropped by the stack, 1 not sent, 1 collided, 4 lost
03:04:05         VIOLATED service.p50<100ns: 759 ns
`);
  });

  test("the head comes again after twenty lines; several ports are named", () => {
    const writer = new LineWriter(true);
    const one = told(look(0, []), look(1e9, [5]));
    const text = Array.from({ length: 40 }, () => writer.write(one)).join("");
    expect(text.match(/^time/gm)?.length).toBe(2);
    expect(text).toContain("03:04:05 1234 service      1 pps");
    expect(text.split("\n").filter((line) => line.length > 79)).toEqual([]);
  });

  test("rows hold every column and nothing else, objectives at their own span", () => {
    const [row] = rowsOf(
      told(look(0, []), look(1e9, [742], loss), "service.p50<1ns", "queue.depth<1"),
    );
    expect(Object.keys(row)).toEqual(columns.map(({ key }) => key));
    expect(row).toMatchObject({
      port: 1234,
      span: "service",
      packets: 1,
      seen: 5,
      violated: "service.p50<1ns",
    });
  });

  test("the live view fits any terminal, and forgets", () => {
    const view = new LiveView({
      ...{ title: "port 1234", hooks: "rx here", deadline: undefined, colour: false },
      objectives: [parseObjective("service.p99<1ns")],
    });
    expect(view.lines(80, 24).join("\n")).toContain("waiting for the first interval");
    for (let n = 0; n < 100; n++)
      view.add([told(look(0, []), look(1e9, [n * 100]), "service.p99<1ns")]);
    for (const [columnCount, rows] of [
      [20, 4],
      [80, 24],
      [200, 60],
    ] as const) {
      expect(view.lines(columnCount, rows).length).toBeLessThanOrEqual(Math.max(rows, 13));
    }
    expect(view.lines(120, 40).join("\n")).toContain(
      "service of the last 60 intervals, 60 packets",
    );
  });
});
