import { describe, expect, test } from "bun:test";
import { Exit, KomonError } from "../../../src/base/errors.ts";
import type { Interval, SpanInterval } from "../../../src/monitor/interval.ts";
import {
  describeViolation,
  parseObjective,
  requireWatched,
  violations,
} from "../../../src/monitor/slo.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

const account = {
  ...{ seen: 10, matched: 8, expired: 1, expiredStack: 1, expiredUnsent: 0, expiredUnread: 0 },
  ...{ collided: 1, filtered: 0, lost: 0, inFlight: 0 },
};

function interval(...values: number[]): Interval {
  const histogram = new Histogram();
  histogram.addAll(values);
  const quantile = (q: number) => histogram.quantile(q).value;
  const service: SpanInterval = {
    ...{ span: "service", packets: values.length, pps: values.length, histogram },
    ...{ meanNs: values.reduce((sum, ns) => sum + ns, 0) / values.length },
    ...{
      p50Ns: quantile(0.5),
      p90Ns: quantile(0.9),
      p99Ns: quantile(0.99),
      p999Ns: quantile(0.999),
    },
    maxNs: Math.max(...values),
  };
  return { seconds: 1, spans: [service], account, depth: 7 };
}

describe("objectives", () => {
  test.each([
    ["service.p99<200us", 200_000, true],
    ["service.p99.9 <= 13ns", 13, true],
    [" service.p50>12ns ", 12, false],
    ["service.max<14ns", 14, true],
    ["service.max<13ns", 13, false],
    ["service.mean>=12ns", 12, true],
    ["service.rate>=3", 3, true],
    ["service.rate>1k", 1000, false],
    ["service.depth<8", 8, true],
    ["service.missing<2", 2, false],
    ["service.p100<=13ns", 13, true],
  ])("%s", (text, limit, kept) => {
    const objective = parseObjective(text);
    expect(objective.limit).toBe(limit);
    expect(violations([objective], interval(11, 12, 13)).length).toBe(kept ? 0 : 1);
  });

  test("a time is not judged where no packet came, a rate is", () => {
    const objectives = ["service.p99<1ns", "service.max<1ns", "service.mean<1ns", "service.rate>0"];
    const broken = violations(objectives.map(parseObjective), interval());
    expect(broken.map(({ objective }) => objective.text)).toEqual(["service.rate>0"]);
  });

  test("a span that nobody watches is refused, whatever of it is judged", () => {
    const objectives = ["total.max<1ms", " service.rate>1k"].map(parseObjective);
    expect(() => requireWatched(objectives, ["service", "total"])).not.toThrow();
    const error = thrown(() => requireWatched(objectives, ["total"]));
    expect(error.exit).toBe(Exit.usage);
    expect(error.what.split("\n")).toEqual([
      "service is not watched here",
      "   service.rate>1k",
      "   ^^^^^^^ expected total",
    ]);
  });

  test("a violation tells the value in its unit", () => {
    const texts = ["service.max<1ns", "service.rate>10", "service.depth<1"].map((text) =>
      describeViolation(violations([parseObjective(text)], interval(5_130, 12))[0]),
    );
    expect(texts).toEqual([
      "service.max<1ns: 5.13 µs",
      "service.rate>10: 2 pps",
      "service.depth<1: 7",
    ]);
  });

  test.each([
    ["", "", "^ expected a span"],
    ["serv.p99<1us", "", "^^^^ expected a span: service, queue"],
    ["service p99<1us", "       ", "^ expected a dot"],
    ["service.<1us", "        ", "^ expected p50"],
    ["service.p0<1us", "        ", "^^ expected p50"],
    ["service.p101<1us", "        ", "^^^^ expected p50"],
    ["service.q99<1us", "        ", "^^^ expected p50"],
    ["service.p99=1us", "           ", "^ expected <, <=, > or >="],
    ["service.p99", "           ", "^ expected <, <=, > or >="],
    ["service.p99<", "            ", "^ expected a time with its unit"],
    ["service.p99<200", "            ", "^^^ expected a time with its unit"],
    ["service.p99<1us or so", "            ", "^^^^^^^^^ expected a time"],
    ["service.rate<1us", "             ", "^^^ expected a rate"],
  ])("%p shows where it is wrong", (text, before, mark) => {
    const error = thrown(() => parseObjective(text));
    expect(error.exit).toBe(Exit.usage);
    const [, shown, marked] = error.what.split("\n");
    expect(shown).toBe(`  ${text}`);
    expect(marked.startsWith(`  ${before}${mark}`)).toBe(true);
  });
});

function thrown(body: () => unknown): KomonError {
  try {
    body();
  } catch (error) {
    if (error instanceof KomonError) return error;
  }
  throw new Error("threw no KomonError");
}
