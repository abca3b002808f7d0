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

export class Exporter implements Site, Disposable {
  readonly metricsPath: string;
  /** An echo loads BPF programs; a connect takes a descriptor. */
  readonly probeModules = { tcp_connect: 64, icmp: 8 };
  readonly #collectors = new Map<string, Collector & { readonly probe?: Watched }>();
  readonly #read: () => Promise<ExportConfig>;
  readonly #self: SelfCollector;
  readonly #limits: Limits;
  #config: ExportConfig;
  #probing: ExportConfig["probes"] = [];

  /** `read` gives the configuration that is valid now; it may throw. */
  constructor(config: ExportConfig, metricsPath: string, read: () => Promise<ExportConfig>) {
    this.metricsPath = metricsPath;
    this.#config = config;
    this.#read = read;
    this.#limits = new Limits(config.max_series, config.expire / 1e6);
    this.#self = new SelfCollector(this.#limits, () => this.#watched());
    try {
      this.#apply(config);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Waits until everything that needs rights is open. */
  async opened(): Promise<void> {
    await Promise.all([...this.#collectors.values()].map(({ opened }) => opened));
  }

  ready(): boolean {
    return true;
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

  /** What does not change keeps its counters; on a mistake the old configuration stays in force. */
  async reload(): Promise<string | undefined> {
    try {
      const config = await this.#read();
      this.#apply(config);
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

  async probe(target: string, module: string): Promise<string> {
    const { allow, timeout } = this.#config.probe;
    if (allow && !allow.includes(target)) {
      throw usageError(`the target "${target}" is not among probe.allow`);
    }
    const probe = module === "icmp" ? echoProbe : connectProbe;
    return write(await probe(target, timeout), "text");
  }

  [Symbol.dispose](): void {
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

  /** Opens what is new before it closes what is old, so that a failure changes nothing. */
  #apply(config: ExportConfig): void {
    const old = this.#config;
    const isSame = isDeepStrictEqual(config.tcp, old.tcp) && config.max_series === old.max_series;
    const tcp = this.#collectors.get("tcp");
    if (config.tcp.enabled && !(tcp && isSame)) {
      this.#limits.maxSeries = config.max_series;
      const fresh = new TcpCollector(tcpOptions(config), this.#limits);
      tcp?.[Symbol.dispose]();
      this.#collectors.set("tcp", fresh);
    } else if (!config.tcp.enabled && tcp) {
      tcp[Symbol.dispose]();
      this.#collectors.delete("tcp");
    }
    const targets = config.vnfs.map(({ name, port }) => ({ name: name ?? String(port), port }));
    let vnf = this.#collectors.get("vnf") as VnfCollector | undefined;
    if (targets.length > 0 && !vnf) {
      vnf = new VnfCollector();
      this.#collectors.set("vnf", vnf);
    }
    vnf?.show(targets);
    if (!isDeepStrictEqual(config.probes, this.#probing)) {
      this.#collectors.get("probe")?.[Symbol.dispose]();
      this.#collectors.delete("probe");
      if (config.probes.length > 0)
        this.#collectors.set("probe", new ProbingCollector(config.probes));
      this.#probing = config.probes;
    }
    this.#limits.expireMs = config.expire / 1e6;
    this.#config = config;
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
