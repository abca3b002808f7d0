/** Collectors by configuration, and their numbers as a page. */
import { isDeepStrictEqual } from "node:util";
import { KomonError, usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { Living } from "../probes/tcp/probe.ts";
import { connectProbe } from "./connectProbe.ts";
import { echoProbe } from "./echoProbe.ts";
import type { Collector, Family } from "./family.ts";
import { Limits } from "./limits.ts";
import type { wantedFormat } from "./negotiate.ts";
import { ProbingCollector } from "./probing.ts";
import { protobuf } from "./protobuf.ts";
import { SelfCollector, type Watched } from "./self.ts";
import type { Site } from "./server.ts";
import type { ExportConfig } from "./settings.ts";
import { TcpCollector } from "./tcp.ts";
import { VnfCollector } from "./vnf.ts";
import { contentTypes, write } from "./writer.ts";

/** A configuration that was read anew. */
export interface Fresh {
  readonly config: ExportConfig;
  /** Called once it is in force. */
  accepted(): void;
}

export class Exporter implements Site, Disposable {
  readonly metricsPath: string;
  /** An echo loads BPF programs; a connect takes a descriptor. */
  readonly probeModules = { tcp_connect: 64, icmp: 8 };
  readonly #collectors = new Map<string, Collector & { readonly probe?: Watched }>();
  readonly #probing = new ProbingCollector();
  readonly #read: () => Promise<Fresh>;
  readonly #self: SelfCollector;
  readonly #limits: Limits;
  #config: ExportConfig;
  #reloading: Promise<unknown> = Promise.resolve();
  #isDisposed = false;
  /** Set once everything is attached. */
  isReady = false;

  /** `read` gives the configuration that is valid now; it may throw. */
  constructor(config: ExportConfig, metricsPath: string, read: () => Promise<Fresh>) {
    this.metricsPath = metricsPath;
    this.#config = config;
    this.#read = read;
    this.#limits = new Limits(config.expire / 1e6);
    this.#self = new SelfCollector(this.#limits, () => this.#watched());
    this.#put("probe", this.#probing);
    try {
      using opened = this.#open(config);
      opened.use();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Waits until everything that needs rights is open. */
  async opened(): Promise<void> {
    this.#reloading = this.#probing.show(this.#config.probes, false);
    await this.#reloading;
  }

  ready(): boolean {
    return this.isReady;
  }

  metrics(wanted: ReturnType<typeof wantedFormat>): { body: string | Uint8Array; type: string } {
    const begin = performance.now();
    const families = this.families();
    const answer =
      wanted === "protobuf"
        ? protobuf(families)
        : { body: write(families, wanted), type: contentTypes[wanted] };
    this.#self.scrapes++;
    this.#self.lastScrapeSeconds = (performance.now() - begin) / 1000;
    return answer;
  }

  /** The same site with a page and paths of its own. */
  with(more: Pick<Site, "page" | "more">): Site {
    return {
      ...more,
      metricsPath: this.metricsPath,
      probeModules: this.probeModules,
      metrics: (wanted) => this.metrics(wanted),
      ready: () => this.ready(),
      reload: () => this.reload(),
      probe: (target, module) => this.probe(target, module),
    };
  }

  /** What does not change keeps its counters; on a mistake the old configuration stays in force, all of it. */
  reload(): Promise<string | undefined> {
    const turn = this.#reloading.then(() => this.#reload());
    this.#reloading = turn.catch(() => {});
    return turn;
  }

  async probe(target: string, module: string): Promise<string> {
    const { allow, timeout } = this.#config.probe;
    if (allow && !allow.includes(target)) {
      throw usageError(`the target "${target}" is not among probe.allow`);
    }
    const probe = module === "icmp" ? echoProbe : connectProbe;
    return write(await probe(target, timeout), "text");
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const collector of this.#collectors.values()) collector[Symbol.dispose]();
    this.#collectors.clear();
  }

  /** TCP connections that live now. */
  connections(most: number): Living[] {
    const tcp = this.#collectors.get("tcp");
    return tcp instanceof TcpCollector ? tcp.living(most) : [];
  }

  /** All numbers as they are now. */
  families(): Family[] {
    const families: Family[] = [];
    for (const [name, collector] of this.#collectors) {
      try {
        families.push(...collector.collect());
      } catch (error) {
        this.#self.errors.set(name, (this.#self.errors.get(name) ?? 0) + 1);
        log.error(error);
      }
    }
    return [...families, ...this.#self.collect()];
  }

  #watched(): ReadonlyMap<string, Watched> {
    return new Map(
      [...this.#collectors].flatMap(([name, { probe }]) => (probe ? [[name, probe] as const] : [])),
    );
  }

  async #reload(): Promise<string | undefined> {
    try {
      const { config, accepted } = await this.#read();
      using opened = this.#open(config);
      await this.#probing.show(config.probes, true);
      if (this.#isDisposed) return "komon is ending";
      opened.use();
      accepted();
      this.#self.reloads.success++;
      log.info("the configuration is reloaded");
      return undefined;
    } catch (error) {
      this.#self.reloads.failure++;
      if (!(error instanceof KomonError)) throw error;
      log.error(`the old configuration stays in force: ${error.message}`);
      return error.message;
    }
  }

  /** Opens what is new; nothing changes before it is used, and what is not used is closed. */
  #open(config: ExportConfig): Disposable & { use(): void } {
    const fresh = new DisposableStack();
    try {
      const old = this.#collectors.get("tcp");
      const isSame =
        isDeepStrictEqual(config.tcp, this.#config.tcp) &&
        config.max_series === this.#config.max_series;
      const openTcp = () =>
        old && isSame
          ? old
          : fresh.use(new TcpCollector(tcpOptions(config), config.max_series, this.#limits));
      const tcp = config.tcp.enabled ? openTcp() : undefined;
      const targets = config.vnfs.map(({ name, port }) => ({ name: name ?? String(port), port }));
      const vnf =
        (this.#collectors.get("vnf") as VnfCollector | undefined) ??
        (targets.length > 0 ? fresh.use(new VnfCollector()) : undefined);
      vnf?.check(targets);
      return {
        use: () => {
          fresh.move();
          if (old !== tcp) old?.[Symbol.dispose]();
          this.#put("tcp", tcp);
          this.#put("vnf", vnf);
          vnf?.show(targets);
          this.#limits.expireMs = config.expire / 1e6;
          this.#config = config;
        },
        [Symbol.dispose]: () => fresh[Symbol.dispose](),
      };
    } catch (error) {
      fresh[Symbol.dispose]();
      throw error;
    }
  }

  #put(name: string, collector: (Collector & { readonly probe?: Watched }) | undefined): void {
    if (!collector) {
      this.#collectors.delete(name);
      return;
    }
    this.#collectors.set(name, collector);
    if (!this.#self.errors.has(name)) this.#self.errors.set(name, 0);
  }
}

function tcpOptions({ tcp }: ExportConfig) {
  return {
    groupBy: tcp.by,
    prefix4: tcp.prefix4,
    prefix6: tcp.prefix6,
    connections: tcp.connections,
    filter: {
      ...(tcp.local_ports && { localPorts: tcp.local_ports }),
      ...(tcp.remote_ports && { remotePorts: tcp.remote_ports }),
    },
  };
}
