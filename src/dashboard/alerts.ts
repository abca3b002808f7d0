/** Alert rules: a series above or below a value for a while. */
import { log } from "../base/log.ts";
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
  value: number;
  firing: boolean;
}

export class Alerts {
  readonly #rules: readonly { rule: Rule; pattern: RegExp }[];
  readonly #live = new Map<string, Live>();
  /** Until when, on the steady clock. */
  readonly #silent = new Map<string, number>();

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      pattern: new RegExp(`^${rule.series.split("*").map(RegExp.escape).join(".*")}$`),
    }));
  }

  judge(sample: Sample, now: Moment): void {
    const met = new Set<string>();
    for (const { rule, pattern } of this.#rules) {
      for (const [series, value] of sample) {
        if (!pattern.test(series)) continue;
        const over = rule.above !== undefined && value > rule.above;
        if (!over && !(rule.below !== undefined && value < rule.below)) continue;
        const key = `${rule.name}\0${series}`;
        met.add(key);
        const live = this.#live.get(key) ?? { rule, series, since: now, value, firing: false };
        this.#live.set(key, live);
        live.value = value;
        if (!live.firing && now.steadyMs - live.since.steadyMs >= rule.for / 1e6) {
          live.firing = true;
          this.#tell(live, "firing", now);
        }
      }
    }
    for (const [key, live] of this.#live) {
      if (met.has(key)) continue;
      this.#live.delete(key);
      if (live.firing) this.#tell(live, "resolved", now);
    }
  }

  /** No webhook and no command of this rule for so long. */
  silence(rule: string, ms: number, { steadyMs }: Moment): boolean {
    if (!this.#rules.some((one) => one.rule.name === rule)) return false;
    this.#silent.set(rule, steadyMs + ms);
    return true;
  }

  list(now: Moment): Alert[] {
    return Array.from(this.#live.values(), ({ rule, series, since, value, firing }) => ({
      ...{ rule: rule.name, series, sinceMs: since.atMs, value },
      state: firing ? "firing" : "pending",
      silenced: this.#isSilent(rule, now),
    }));
  }

  #isSilent({ name }: Rule, { steadyMs }: Moment): boolean {
    return (this.#silent.get(name) ?? Number.NEGATIVE_INFINITY) > steadyMs;
  }

  #tell({ rule, series, since, value }: Live, status: "firing" | "resolved", now: Moment): void {
    log.warn(`alert ${rule.name} is ${status}: ${series} is ${value}`);
    if (this.#isSilent(rule, now)) return;
    if (rule.webhook) {
      const body = JSON.stringify({
        alert: rule.name,
        status,
        series,
        value,
        since: new Date(since.atMs),
      });
      fetch(rule.webhook, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(10_000),
      }).catch((error: Error) => log.warn(`the webhook of alert ${rule.name}: ${error.message}`));
    }
    if (rule.command) {
      Bun.spawn(["sh", "-c", rule.command], {
        stdio: ["ignore", "ignore", "ignore"],
        env: {
          ...process.env,
          KOMON_ALERT_NAME: rule.name,
          KOMON_ALERT_STATUS: status,
          KOMON_ALERT_SERIES: series,
          KOMON_ALERT_VALUE: String(value),
        },
      });
    }
  }
}
