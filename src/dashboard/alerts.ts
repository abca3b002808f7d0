/** Alert rules: a series above or below a value for a while. */
import { log } from "../base/log.ts";
import { Actions } from "./actions.ts";
import type { Moment } from "./moment.ts";
import type { Sample } from "./sampler.ts";

export interface Rule {
  readonly name: string;
  /** A key of the sample; `*` stands for anything. */
  readonly series: string;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  /** ns */
  readonly for: number;
  readonly webhook?: string | undefined;
  /** Run by the shell; the alert is in KOMON_ALERT_… of its environment. */
  readonly command?: string | undefined;
}

export interface Alert {
  readonly rule: string;
  readonly series: string;
  readonly state: "pending" | "firing";
  readonly sinceMs: number;
  readonly value: number;
  readonly silenced: boolean;
}

interface Live {
  readonly rule: Rule;
  readonly series: string;
  readonly since: Moment;
  /** When the series was last in a sample, on the steady clock. */
  seenMs: number;
  value: number;
  firing: boolean;
}

/** What outlives komon. Times are those of the wall. */
interface State {
  readonly live: readonly { rule: string; series: string; sinceMs: number; firing: boolean }[];
  readonly silent: readonly { rule: string; untilMs: number }[];
}

/** A series without news says neither yes nor no; for so long what was last known of it holds, or for the rule's `for`. */
const holdsMs = 60_000;

export class Alerts {
  readonly #actions = new Actions();
  #rules: readonly { rule: Rule; pattern: RegExp }[] = [];
  readonly #live = new Map<string, Live>();
  /** Until when. */
  readonly #silent = new Map<string, Moment>();

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map(withPattern);
  }

  /** Other rules from now on. Of a rule that keeps its name what it knows stays. */
  use(rules: readonly Rule[], now: Moment): void {
    this.#rules = rules.map(withPattern);
    for (const [key, live] of this.#live) {
      const same = this.#ruleOf(live.rule.name, live.series);
      if (same) this.#live.set(key, { ...live, rule: same });
      else this.#end(key, live, now);
    }
  }

  judge(sample: Sample, now: Moment): void {
    for (const { rule, pattern } of this.#rules) {
      for (const [series, value] of sample) {
        if (pattern.test(series)) this.#judgeOne(rule, series, value, now);
      }
    }
    for (const [key, live] of this.#live) {
      const forMs = live.rule.for / 1e6;
      if (now.steadyMs - live.seenMs > Math.max(forMs, holdsMs)) this.#end(key, live, now);
    }
  }

  /** No webhook and no command of this rule for so long. */
  silence(rule: string, ms: number, { atMs, steadyMs }: Moment): boolean {
    if (!this.#rules.some((one) => one.rule.name === rule)) return false;
    this.#silent.set(rule, { atMs: atMs + ms, steadyMs: steadyMs + ms });
    return true;
  }

  list(now: Moment): Alert[] {
    return Array.from(this.#live.values(), ({ rule, series, since, value, firing }) => ({
      ...{ rule: rule.name, series, sinceMs: since.atMs, value },
      state: firing ? "firing" : "pending",
      silenced: this.#isSilent(rule, now),
    }));
  }

  /** What {@link restore} takes. */
  state(): string {
    const state: State = {
      live: Array.from(this.#live.values(), ({ rule, series, since, firing }) => ({
        ...{ rule: rule.name, series, sinceMs: since.atMs, firing },
      })),
      silent: Array.from(this.#silent, ([rule, { atMs }]) => ({ rule, untilMs: atMs })),
    };
    return JSON.stringify(state);
  }

  /** As it was when that was made: nobody is told again, and what is silent stays so. */
  restore(text: string, now: Moment): void {
    const { live, silent } = JSON.parse(text) as State;
    const at = (atMs: number): Moment => ({ atMs, steadyMs: now.steadyMs + atMs - now.atMs });
    for (const { rule: name, series, sinceMs, firing } of live) {
      const rule = this.#ruleOf(name, series);
      if (!rule) continue;
      const value = rule.above ?? rule.below ?? 0;
      const since = at(Math.min(sinceMs, now.atMs));
      const known = { rule, series, since, seenMs: now.steadyMs, value, firing };
      this.#live.set(keyOf(rule, series), known);
    }
    for (const { rule, untilMs } of silent) this.#silent.set(rule, at(untilMs));
  }

  #judgeOne(rule: Rule, series: string, value: number, now: Moment): void {
    const key = keyOf(rule, series);
    const known = this.#live.get(key);
    const isOver =
      (rule.above !== undefined && value > rule.above) ||
      (rule.below !== undefined && value < rule.below);
    if (!isOver) {
      if (known) this.#end(key, Object.assign(known, { value }), now);
      return;
    }
    const live = known ?? { rule, series, since: now, seenMs: 0, value, firing: false };
    this.#live.set(key, live);
    live.value = value;
    live.seenMs = now.steadyMs;
    if (live.firing || now.steadyMs - live.since.steadyMs < rule.for / 1e6) return;
    live.firing = true;
    this.#tell(live, "firing", now);
  }

  #end(key: string, live: Live, now: Moment): void {
    this.#live.delete(key);
    if (live.firing) this.#tell(live, "resolved", now);
  }

  #ruleOf(name: string, series: string): Rule | undefined {
    return this.#rules.find(({ rule, pattern }) => rule.name === name && pattern.test(series))
      ?.rule;
  }

  #isSilent({ name }: Rule, { steadyMs }: Moment): boolean {
    return (this.#silent.get(name)?.steadyMs ?? Number.NEGATIVE_INFINITY) > steadyMs;
  }

  #tell({ rule, series, since, value }: Live, status: "firing" | "resolved", now: Moment): void {
    log.warn(`alert ${rule.name} is ${status}: ${series} is ${value}`);
    if (this.#isSilent(rule, now)) return;
    this.#actions.tell(rule, { status, series, value, sinceMs: since.atMs });
  }
}

function withPattern(rule: Rule): { rule: Rule; pattern: RegExp } {
  const pattern = new RegExp(`^${rule.series.split("*").map(RegExp.escape).join(".*")}$`);
  return { rule, pattern };
}

function keyOf(rule: Rule, series: string): string {
  return `${rule.name}\0${series}`;
}
