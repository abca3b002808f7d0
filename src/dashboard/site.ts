/** The dashboard's data: a sample a second, its history, alerts, and reports. */
import { log } from "../base/log.ts";
import type { Family } from "../export/family.ts";
import { Alerts, type Rule } from "./alerts.ts";
import { History } from "./history.ts";
import { type Moment, thisMoment } from "./moment.ts";
import { reportCsv, reportHtml } from "./report.ts";
import { type Sample, Sampler } from "./sampler.ts";

const everyMs = 1000;

/** Where the numbers come from. */
export interface Source {
  families(): Family[];
  connections(most: number): object[];
}

const mostConnections = 200;
const alertNote = "alerts";

export class Dashboard implements Disposable {
  readonly #source: Source;
  readonly #sampler = new Sampler();
  readonly #history: History;
  readonly #alerts: Alerts;
  readonly #listeners = new Set<(event: string) => void>();
  readonly #timer: Timer;
  #latest: Sample = new Map();
  #isBegun = false;
  #isReporting = false;
  #noted = "";
  #at: Moment = thisMoment();

  constructor(source: Source, path: string, maxBytes: number, rules: readonly Rule[]) {
    this.#source = source;
    this.#history = new History(path, maxBytes);
    this.#alerts = new Alerts(rules);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  /** To be called once komon is who it stays: the file's owner. Alerts go on where they were. */
  begin(): void {
    this.#history.open();
    const state = this.#history.noted(alertNote);
    try {
      if (state !== undefined) this.#alerts.restore(state, this.#at);
    } catch (error) {
      log.warn(`what was known of alerts cannot be read: ${(error as Error).message}`);
    }
    this.#isBegun = true;
  }

  useRules(rules: readonly Rule[]): void {
    this.#alerts.use(rules, this.#at);
  }

  /** Answers what the server itself does not know. */
  async answer(request: Request, url: URL): Promise<Response | undefined> {
    const { searchParams: query } = url;
    switch (url.pathname) {
      case "/api/live":
        return this.#live(request);
      case "/api/keys":
        return Response.json(this.#history.keys());
      case "/api/heat":
        return Response.json(this.#sampler.heat(query.get("key") ?? ""));
      case "/api/connections":
        return Response.json(this.#source.connections(mostConnections));
      case "/api/history":
        return this.#range(query, ({ from, to }) =>
          Response.json(this.#history.range(query.get("key") ?? "", from, to)),
        );
      case "/api/silence": {
        if (request.method !== "POST") return new Response("POST it\n", { status: 405 });
        // A page of another origin cannot set this header without being asked first.
        if (!request.headers.has("x-komon")) return new Response("forbidden\n", { status: 403 });
        const done = this.#alerts.silence(query.get("rule") ?? "", 3600e3, thisMoment());
        return new Response(done ? "silent for an hour\n" : "no such rule\n", {
          status: done ? 200 : 404,
        });
      }
      case "/report":
        return this.#report(query, "text/html", ({ from, to }) =>
          reportHtml(this.#history, from, to, this.#alerts.list(this.#at)),
        );
      case "/report.csv":
        return this.#report(query, "text/csv", ({ from, to }) =>
          reportCsv(this.#history, from, to),
        );
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#history[Symbol.dispose]();
  }

  #tick(): void {
    this.#at = thisMoment();
    this.#latest = this.#sampler.take(this.#source.families(), this.#at);
    if (this.#isBegun) this.#judge();
    this.#history.add(this.#latest, this.#at);
    const event = this.#event();
    for (const listener of this.#listeners) listener(event);
  }

  #judge(): void {
    this.#alerts.judge(this.#latest, this.#at);
    const state = this.#alerts.state();
    if (state !== this.#noted) this.#history.note(alertNote, state);
    this.#noted = state;
  }

  #event(): string {
    const { problem } = this.#history;
    const alerts = this.#alerts.list(this.#at);
    const values = Object.fromEntries(this.#latest);
    return `data: ${JSON.stringify({ at: this.#at.atMs, values, alerts, problem })}\n\n`;
  }

  #range<T>(query: URLSearchParams, act: (range: Range) => T): T | Response {
    const range = rangeOf(query);
    if (range) return act(range);
    const wanted = "from and to are in ms since 1970, and from is before to";
    return new Response(`${wanted}\n`, { status: 400 });
  }

  /** One at a time: it reads all that there is. */
  async #report(
    query: URLSearchParams,
    type: string,
    make: (range: Range) => Promise<string>,
  ): Promise<Response> {
    if (this.#isReporting) {
      const headers = { "retry-after": "5" };
      return new Response("another report is being made\n", { status: 503, headers });
    }
    this.#isReporting = true;
    try {
      const headers = { "content-type": `${type}; charset=utf-8` };
      return await this.#range(
        query,
        async (range) => new Response(await make(range), { headers }),
      );
    } finally {
      this.#isReporting = false;
    }
  }

  /** Server-sent events. A reader that does not keep up loses samples, never memory here. */
  #live(request: Request): Response {
    let listener: ((event: string) => void) | undefined;
    const stop = () => {
      if (listener) this.#listeners.delete(listener);
    };
    request.signal.addEventListener("abort", stop);
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const text = new TextEncoder();
          listener = (event) => {
            if ((controller.desiredSize ?? 0) > 0) controller.enqueue(text.encode(event));
          };
          this.#listeners.add(listener);
          listener(this.#event());
        },
        cancel: stop,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 1 << 20 }),
    );
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The last quarter of an hour, where nothing is said; undefined for what is no range. */
function rangeOf(query: URLSearchParams): Range | undefined {
  const to = Number(query.get("to") ?? Date.now());
  const from = Number(query.get("from") ?? to - 900e3);
  const farthest = 8.64e15; // of what a Date can be
  return from < to && from >= -farthest && to <= farthest ? { from, to } : undefined;
}
