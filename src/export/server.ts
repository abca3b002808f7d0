/** The HTTP side: few paths, no state, bounded in time and size. */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { Exit, KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { hasCapability } from "../kernel/privileges.ts";
import { Authentication } from "./auth.ts";
import { wantedFormat } from "./negotiate.ts";
import type { WebConfig } from "./webConfig.ts";

/** What the server hands out. */
export interface Site {
  readonly metricsPath: string;
  metrics(wanted: ReturnType<typeof wantedFormat>): { body: string | Uint8Array; type: string };
  ready(): boolean;
  /** Undefined when it worked, else what was wrong. */
  reload(): Promise<string | undefined>;
  probe(target: string, module: string): Promise<string>;
  /** Paths that only this site has. */
  more?(request: Request, url: URL): Promise<Response | undefined>;
  /** Served at / instead of a list of links; it carries no data. */
  readonly page?: Bun.HTMLBundle | undefined;
  /** Modules of /probe, the usual one first, and how many probes of each may be under way. */
  readonly probeModules: Readonly<Record<string, number>>;
}

const idleSeconds = 10;
const compressBytes = 4096;
const headers = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export class ExportServer implements AsyncDisposable {
  readonly #servers: Bun.Server<undefined>[] = [];
  readonly #site: Site;
  readonly #addresses: readonly string[];
  #web: WebConfig;
  #authentication: Authentication | undefined;
  /** Probes under way, by module. */
  readonly #probes = new Map<string, number>();

  constructor(site: Site, addresses: readonly string[], web: WebConfig) {
    this.#site = site;
    this.#addresses = addresses;
    this.#web = web;
    this.#authentication = web.users && new Authentication(web.users);
    try {
      for (const address of addresses) this.#servers.push(this.#serve(address, web));
    } catch (error) {
      for (const server of this.#servers) server.stop(true);
      throw error;
    }
  }

  /** Where it listens: `http://127.0.0.1:19435/`. */
  get urls(): string[] {
    return this.#servers.map(({ url }) => url.href);
  }

  /** Fails when it could not be served like that. */
  async check(web: WebConfig): Promise<void> {
    if (isDeepStrictEqual(web.tls, this.#web.tls)) return;
    const low = this.#servers.find(({ port = 0 }) => port < firstFreePort());
    if (low && !hasCapability("netBindService")) {
      throw new KomonError({
        what: `cannot change the TLS of port ${low.port} without a restart`,
        why: "it would have to be bound anew, and komon has no right to that any more",
        mend: "restart komon",
      });
    }
    // Somewhere else first: what does not work there must not take the place of what does.
    await using _trial = new ExportServer(this.#site, ["127.0.0.1:0"], web);
  }

  /** Other users at once; other TLS on new sockets. Fails when it now listens nowhere. */
  async use(web: WebConfig): Promise<void> {
    const before = this.#web;
    this.#web = web;
    if (this.#authentication && web.users) this.#authentication.users = web.users;
    else this.#authentication = web.users && new Authentication(web.users);
    if (isDeepStrictEqual(web.tls, before.tls)) return;
    await new Promise<void>((resolve) => setImmediate(resolve)); // the answer to who asked for it
    const old = this.#servers.splice(0);
    // The ports that they have: 0 may have been asked for.
    const addresses = old.map(({ port }, at) => this.#addresses[at].replace(/\d+$/, `${port}`));
    const ended = end(old);
    for (const address of addresses) this.#servers.push(this.#serve(address, web));
    await ended;
    log.info(`serving ${this.urls.join(" ")} with the new TLS`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return end(this.#servers);
  }

  #serve(address: string, { tls }: WebConfig): Bun.Server<undefined> {
    const { hostname, port } = parseAddress(address);
    try {
      return Bun.serve({
        hostname,
        port,
        idleTimeout: idleSeconds,
        maxRequestBodySize: 1024,
        development: false,
        ...(tls && { tls }),
        ...(this.#site.page && { routes: { "/": this.#site.page } }),
        fetch: (request, server) => this.#answer(request, server),
        error: (error) => {
          log.error(error);
          return new Response("internal error\n", { status: 500 });
        },
      });
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      throw new KomonError({
        what: `cannot listen on ${address}`,
        why:
          code === "EADDRINUSE" ? "EADDRINUSE: another process listens there" : (code ?? message),
        mend: "choose another with --web.listen-address",
        cause,
      });
    }
  }

  async #answer(request: Request, server: Bun.Server<undefined>): Promise<Response> {
    const from = server.requestIP(request)?.address ?? "";
    if (this.#authentication) {
      const verdict = await this.#authentication.judge(request.headers.get("authorization"), from);
      if (verdict === "too many")
        return text("too many wrong passwords\n", 429, { "retry-after": "60" });
      if (verdict !== "welcome") {
        return text("unauthorized\n", 401, { "www-authenticate": 'Basic realm="komon"' });
      }
    }
    const url = new URL(request.url);
    const { method } = request;
    if (url.pathname === "/-/reload") {
      if (method !== "POST" && method !== "PUT")
        return text("POST it\n", 405, { allow: "POST, PUT" });
      const wrong = await this.#site.reload();
      return wrong === undefined ? text("reloaded\n") : text(`${wrong}\n`, 500);
    }
    const more = await this.#site.more?.(request, url);
    if (more) return more;
    if (method !== "GET" && method !== "HEAD")
      return text("GET only\n", 405, { allow: "GET, HEAD" });
    switch (url.pathname) {
      case this.#site.metricsPath:
        return this.#metrics(request, isLoopback(from));
      case "/-/healthy":
        return text("healthy\n");
      case "/-/ready":
        return this.#site.ready() ? text("ready\n") : text("not ready\n", 503);
      case "/probe":
        return this.#probe(url.searchParams);
      case "/":
        return new Response(landing(this.#site.metricsPath), {
          headers: { ...headers, "content-type": "text/html; charset=utf-8" },
        });
      default:
        return text("not found\n", 404);
    }
  }

  /** Compressed where a network lies between; on this host that would only cost. */
  #metrics(request: Request, isLocal: boolean): Response {
    const { body, type } = this.#site.metrics(wantedFormat(request.headers.get("accept")));
    const more = { ...headers, "content-type": type };
    const gzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    if (isLocal || !gzip || body.length < compressBytes)
      return new Response(body as string, { headers: more });
    const packed = Bun.gzipSync(
      typeof body === "string" ? Buffer.from(body) : (body as Uint8Array<ArrayBuffer>),
      { level: 1 },
    );
    return new Response(packed, { headers: { ...more, "content-encoding": "gzip" } });
  }

  async #probe(query: URLSearchParams): Promise<Response> {
    const { probeModules } = this.#site;
    const target = query.get("target");
    const module = query.get("module") ?? Object.keys(probeModules)[0];
    if (!target) return text("target is missing: /probe?target=10.0.0.2:80\n", 400);
    if (!Object.hasOwn(probeModules, module)) {
      const modules = Object.keys(probeModules).join(", ");
      return text(`there is no module "${module}", only ${modules}\n`, 400);
    }
    const underWay = this.#probes.get(module) ?? 0;
    if (underWay >= probeModules[module]) {
      return text(`${underWay} probes are under way\n`, 503, { "retry-after": "1" });
    }
    this.#probes.set(module, underWay + 1);
    try {
      const body = await this.#site.probe(target, module);
      return new Response(body, {
        headers: { ...headers, "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      return text(`${error.message}\n`, error.exit === Exit.usage ? 400 : 503);
    } finally {
      this.#probes.set(module, (this.#probes.get(module) ?? 1) - 1);
    }
  }
}

/** Answers that are under way get a moment to leave. */
async function end(servers: readonly Bun.Server<undefined>[]): Promise<void> {
  const all = Promise.all(servers.map((server) => server.stop(false)));
  await Promise.race([all, Bun.sleep(500)]);
  await Promise.all(servers.map((server) => server.stop(true)));
}

/** The first port that anybody may bind. */
function firstFreePort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  } catch {
    return 1024;
  }
}

function text(body: string, status = 200, more: Record<string, string> = {}): Response {
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(body, { status, headers: { ...headers, ...type, ...more } });
}

/** `127.0.0.1:19435`, `:19435` (all addresses), `[::1]:19435`; port 0 takes a free one. */
export function parseAddress(text: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new KomonError({
      what: `"${text}" is no address to listen on`,
      mend: "write it as 127.0.0.1:19435, [::1]:19435, or :19435 for all",
      exit: 2,
    });
  }
  return { hostname: match[1] ?? (match[2] || "::"), port };
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === "::1";
}

function landing(metricsPath: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>komon</title><h1>komon</h1>
<p><a href="${Bun.escapeHTML(metricsPath)}">Metrics</a> <a href="/-/healthy">Healthy</a> <a href="/-/ready">Ready</a></p></html>
`;
}
