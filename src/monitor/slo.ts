/** Objectives such as `service.p99<200us`, judged once an interval. */
import { type KomonError, usageError } from "../base/errors.ts";
import { formatCount, formatNs, formatRate, parseDurationNs, parseRate } from "../base/units.ts";
import { type Span, spanNames } from "../model/spans.ts";
import type { Interval } from "./interval.ts";

type Comparison = "<" | "<=" | ">" | ">=";
type Kind = "ns" | "pps" | "count";

export interface Objective {
  /** As the user wrote it. */
  readonly text: string;
  readonly span: Span;
  readonly stat: string;
  readonly comparison: Comparison;
  readonly limit: number;
  readonly kind: Kind;
  /** The statistic of an interval; NaN when no packet came. */
  readonly value: (interval: Interval) => number;
}

export interface Violation {
  readonly objective: Objective;
  readonly value: number;
}

const statsText = "p50, p99, p99.9 (any percentile), mean, max, rate, depth or missing";
const comparisons = ["<=", ">=", "<", ">"] as const;

/** Reads an objective strictly; a usage error shows the text with the place marked. */
export function parseObjective(text: string): Objective {
  const at = { position: 0 };
  const refuse = (place: number, length: number, expected: string): never => {
    throw marked(text, place, length, expected);
  };
  const skip = () => {
    while (text[at.position] === " ") at.position++;
  };
  const word = (pattern: RegExp): string => {
    const found = pattern.exec(text.slice(at.position))?.[0] ?? "";
    at.position += found.length;
    return found;
  };

  skip();
  const spanAt = at.position;
  const span = word(/^[A-Za-z]*/) as Span;
  if (!spanNames.includes(span)) refuse(spanAt, span.length, `a span: ${spanNames.join(", ")}`);
  if (text[at.position] !== ".") refuse(at.position, 1, `a dot, then ${statsText}`);
  at.position++;
  const statAt = at.position;
  const stat = word(/^[A-Za-z]*\d*(?:\.\d+)?/);
  const meaning = statistic(span, stat) ?? refuse(statAt, stat.length, statsText);
  skip();
  const comparison =
    comparisons.find((sign) => text.startsWith(sign, at.position)) ??
    refuse(at.position, 1, "<, <=, > or >=");
  at.position += comparison.length;
  skip();
  const limitAt = at.position;
  const rest = text.slice(limitAt).trimEnd();
  const limit = limitOf(rest, meaning.kind);
  if (limit === undefined) return refuse(limitAt, rest.length, limitText[meaning.kind]);
  return { text, span, stat, comparison, limit, ...meaning };
}

/** *Fails when* an objective is of a span that nobody watches: it could never be judged. */
export function requireWatched(objectives: readonly Objective[], spans: readonly Span[]): void {
  for (const { text, span } of objectives) {
    if (spans.includes(span)) continue;
    const mark = " ".repeat(text.indexOf(span)) + "^".repeat(span.length);
    throw usageError(
      `${span} is not watched here\n  ${text}\n  ${mark} expected ${spans.join(", ")}`,
      "komon doctor shows which points have a hook; what the kernel forwards has total alone",
    );
  }
}

/** The objectives that an interval did not keep. Where no packet came, times are not judged. */
export function violations(objectives: readonly Objective[], interval: Interval): Violation[] {
  return objectives.flatMap((objective) => {
    const value = objective.value(interval);
    return Number.isNaN(value) || keeps(value, objective) ? [] : [{ objective, value }];
  });
}

export function describeViolation({ objective, value }: Violation): string {
  const show = { ns: formatNs, pps: formatRate, count: formatCount }[objective.kind];
  return `${objective.text}: ${show(value)}`;
}

function keeps(value: number, { comparison, limit }: Objective): boolean {
  switch (comparison) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
  }
}

function statistic(span: Span, stat: string): Pick<Objective, "kind" | "value"> | undefined {
  const of = (interval: Interval) => interval.spans.find((one) => one.span === span);
  const percent = /^p(\d+(?:\.\d+)?)$/.exec(stat)?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) {
    const q = Number(percent) / 100;
    return { kind: "ns", value: (i) => of(i)?.histogram.quantile(q).value ?? Number.NaN };
  }
  switch (stat) {
    case "mean":
      return { kind: "ns", value: (i) => of(i)?.meanNs ?? Number.NaN };
    case "max":
      return { kind: "ns", value: (i) => of(i)?.maxNs ?? Number.NaN };
    case "rate":
      return { kind: "pps", value: (i) => of(i)?.pps ?? 0 };
    case "depth":
      return { kind: "count", value: (i) => i.depth };
    case "missing":
      return { kind: "count", value: (i) => missing(i) };
    default:
      return undefined;
  }
}

/** Packets of an interval that komon saw come and cannot tell of: expired or collided. */
export function missing({ account }: Interval): number {
  return account.expired + account.collided;
}

const limitText: Readonly<Record<Kind, string>> = {
  ns: "a time with its unit, such as 200us",
  pps: "a rate, such as 10k",
  count: "a number of packets",
};

function limitOf(text: string, kind: Kind): number | undefined {
  try {
    return kind === "ns" ? parseDurationNs(text) : parseRate(text);
  } catch {
    return undefined;
  }
}

function marked(text: string, place: number, length: number, expected: string): KomonError {
  const mark = " ".repeat(place) + "^".repeat(Math.max(1, length));
  return usageError(
    `${JSON.stringify(text)} is no objective\n  ${text}\n  ${mark} expected ${expected}`,
    "for example --slo 'service.p99<200us'",
  );
}
