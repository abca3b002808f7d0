/** The monitor on a terminal: the last interval, how p99 went, and where the time lies. */
import { counted, formatCount, formatNs } from "../base/units.ts";
import type { Span } from "../model/spans.ts";
import { sparkline } from "../sinks/bars.ts";
import { histogram } from "../sinks/histogram.ts";
import { Histogram } from "../stats/histogram.ts";
import type { Interval } from "./interval.ts";
import { accountText, numbers, spanHeads } from "./lines.ts";
import type { Told } from "./rows.ts";
import { describeViolation, type Objective } from "./slo.ts";
import { type DeadlineAsked, deadlineText } from "./summary.ts";

/** Looks that are remembered: memory does not grow with time. */
const remembered = 60;

export interface LiveOptions {
  /** `port 1234, every 1.00 s`. */
  readonly title: string;
  readonly hooks: string;
  readonly objectives: readonly Objective[];
  readonly deadline: DeadlineAsked | undefined;
  readonly colour: boolean;
}

export class LiveView {
  readonly #options: LiveOptions;
  readonly #past: (readonly Told[])[] = [];
  readonly #violated = new Map<Objective, number>();
  #looks = 0;
  #seconds = 0;
  #chosen = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  add(told: readonly Told[]): void {
    this.#past.push(told);
    if (this.#past.length > remembered) this.#past.shift();
    this.#looks++;
    this.#seconds += told[0].interval.seconds;
    for (const { objective } of told.flatMap(({ violated }) => violated)) {
      this.#violated.set(objective, (this.#violated.get(objective) ?? 0) + 1);
    }
  }

  /** The histogram is of the next span. */
  next(): void {
    this.#chosen++;
  }

  lines(columns: number, rows: number): string[] {
    const { title, hooks } = this.#options;
    const time = formatNs(this.#seconds * 1e9);
    const head = [this.#bold(`komon monitor: ${title}, ${time} so far`), this.#faint(hooks), ""];
    const last = this.#past.at(-1);
    if (!last) return [...head, "waiting for the first interval …"];
    const body = [
      ...last.flatMap((told, at) => this.#source(told, at, last.length > 1, columns)),
      ...this.#verdicts(),
      "",
    ];
    const foot = this.#faint("q ends, tab: histogram of the next span");
    const room = rows - head.length - body.length - 2;
    const drawn = room >= 5 ? this.#histogram(last, columns - 1, Math.min(room, 18)) : [];
    return [...head, ...body, ...drawn, foot];
  }

  #source(told: Told, at: number, several: boolean, columns: number): string[] {
    const { source, interval } = told;
    const width = Math.max(0, Math.min(remembered, columns - 9 - spanHeads().length - 2));
    const title = several ? [this.#bold(source.name)] : [];
    const rows = interval.spans.map((one) => {
      const p99 = this.#history(at, one.span).slice(-width);
      return `${one.span.padEnd(8)} ${numbers(one)}  ${width > 5 ? sparkline(p99) : ""}`;
    });
    const heads = `${"span".padEnd(8)} ${spanHeads()}  ${width > 5 ? "p99" : ""}`;
    return [...title, this.#bold(heads), ...rows, ...this.#state(told), ""];
  }

  #state({ interval, deadline }: Told): string[] {
    const { account: a, depth } = interval;
    const asked = this.#options.deadline;
    const missing = accountText(a);
    const n = formatCount;
    const lines = [
      `seen ${n(a.seen)}, matched ${n(a.matched)}, expired ${n(a.expired)}, collided ${n(a.collided)}, ` +
        `filtered ${n(a.filtered)}; depth ${n(depth)}`,
    ];
    if (missing) lines.push(this.#red(missing));
    if (deadline && asked) {
      const text = deadlineText(deadline, asked).trimEnd().split("\n");
      lines.push(...(deadline.missed > 0 ? text.map((line) => this.#red(line)) : text));
    }
    return lines;
  }

  #verdicts(): string[] {
    const now = this.#past.at(-1)?.flatMap(({ violated }) => violated) ?? [];
    return this.#options.objectives.map((objective) => {
      const broken = now.find((one) => one.objective === objective);
      const times = this.#violated.get(objective) ?? 0;
      if (broken) return this.#red(`VIOLATED ${describeViolation(broken)}`);
      const before =
        times > 0 ? `; violated in ${times} of ${counted(this.#looks, "interval")}` : "";
      return `kept ${objective.text}${before}`;
    });
  }

  #histogram(last: readonly Told[], width: number, rows: number): string[] {
    const choices = last.flatMap(({ interval }, at) =>
      interval.spans.map(({ span }) => ({ at, span })),
    );
    const { at, span } = choices[this.#chosen % choices.length];
    const sum = new Histogram();
    for (const interval of this.#intervals(at)) {
      const counts = interval.spans.find((one) => one.span === span)?.histogram.counts;
      if (counts) sum.merge(counts);
    }
    const name = last.length > 1 ? `${last[at].source.name}: ${span}` : span;
    const title = `${name} of the last ${counted(this.#past.length, "interval")}, ${counted(sum.count, "packet")}`;
    const text = histogram(sum, { width, rows: rows - 1 });
    return [this.#bold(title), ...text.trimEnd().split("\n")];
  }

  #history(at: number, span: Span): number[] {
    return this.#intervals(at).map(
      (interval) => interval.spans.find((one) => one.span === span)?.p99Ns ?? Number.NaN,
    );
  }

  #intervals(at: number): Interval[] {
    return this.#past.map((told) => told[at].interval);
  }

  #bold(text: string): string {
    return this.#options.colour ? `\x1b[1m${text}\x1b[0m` : text;
  }

  #faint(text: string): string {
    return this.#options.colour ? `\x1b[2m${text}\x1b[0m` : text;
  }

  #red(text: string): string {
    return this.#options.colour ? `\x1b[31m${text}\x1b[0m` : text;
  }
}
