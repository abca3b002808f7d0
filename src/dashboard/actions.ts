/** What is done when an alert begins and ends: a webhook, a command. Neither may hold up or end komon. */
import { log } from "../base/log.ts";
import type { Rule } from "./alerts.ts";

export interface Told {
  readonly status: "firing" | "resolved";
  readonly series: string;
  readonly value: number;
  readonly sinceMs: number;
}

const webhookMs = 10_000;
const commandMs = 60_000;
const mostWaiting = 20;

export class Actions {
  /** By rule whose command runs: what it is to be told next. */
  readonly #waiting = new Map<string, Told[]>();

  tell(rule: Rule, told: Told): void {
    if (rule.webhook) void post(rule, rule.webhook, told);
    if (rule.command) this.#enqueue(rule, rule.command, told);
  }

  /** One command of a rule after the other, so that `resolved` never comes before `firing`. */
  #enqueue(rule: Rule, command: string, told: Told): void {
    const waiting = this.#waiting.get(rule.name);
    if (!waiting) {
      const queue = [told];
      this.#waiting.set(rule.name, queue);
      void this.#work(rule, command, queue);
    } else if (waiting.length < mostWaiting) waiting.push(told);
    else
      log.warn(`the command of alert ${rule.name} is not told of ${told.series}: it is too slow`);
  }

  async #work(rule: Rule, command: string, queue: Told[]): Promise<void> {
    for (let told = queue.shift(); told; told = queue.shift()) await run(rule, command, told);
    this.#waiting.delete(rule.name);
  }
}

async function post({ name }: Rule, url: string, { sinceMs, ...told }: Told): Promise<void> {
  try {
    const { ok, status } = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ alert: name, ...told, since: new Date(sinceMs) }),
      signal: AbortSignal.timeout(webhookMs),
    });
    if (!ok) log.warn(`the webhook of alert ${name}: it answers ${status}`);
  } catch (error) {
    log.warn(`the webhook of alert ${name}: ${(error as Error).message}`);
  }
}

/** There may be no room for one more process. */
async function run({ name }: Rule, command: string, told: Told): Promise<void> {
  try {
    const child = Bun.spawn(["sh", "-c", command], {
      stdio: ["ignore", "ignore", "ignore"],
      timeout: commandMs,
      killSignal: "SIGKILL",
      env: {
        ...process.env,
        KOMON_ALERT_NAME: name,
        KOMON_ALERT_STATUS: told.status,
        KOMON_ALERT_SERIES: told.series,
        KOMON_ALERT_VALUE: String(told.value),
      },
    });
    const code = await child.exited;
    if (code !== 0) log.warn(`the command of alert ${name}: exit code ${code}`);
  } catch (error) {
    log.warn(`the command of alert ${name}: ${(error as Error).message}`);
  }
}
