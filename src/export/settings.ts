/** The exporter's settings, as they are without a configuration file. */
import type { Grouping } from "../probes/tcp/options.ts";

/** As many as the VNF probe has room for. */
export const maxVnfs = 16;

/** Probes to some targets, for as long as komon runs. */
export interface ProbeJob {
  readonly targets: readonly string[];
  readonly kind: "icmp" | "udp" | "tcp";
  readonly port: number;
  /** ns, between probes to one target. */
  readonly interval: number;
  /** ns */
  readonly timeout: number;
}

/** What a target is called in metrics: `10.0.0.2`, `10.0.0.2:443`, `[::1]:443`. */
export function labelOf({ kind, port }: Pick<ProbeJob, "kind" | "port">, target: string): string {
  if (kind === "icmp") return target;
  const bare = target.replace(/^\[(.*)\]$/, "$1");
  return bare.includes(":") ? `[${bare}]:${port}` : `${bare}:${port}`;
}

export interface ExportConfig {
  readonly max_series: number;
  /** ns */
  readonly expire: number;
  readonly tcp: {
    readonly enabled: boolean;
    readonly by: Grouping;
    readonly prefix4: number;
    readonly prefix6: number;
    readonly connections: number;
    readonly local_ports?: readonly number[] | undefined;
    readonly remote_ports?: readonly number[] | undefined;
  };
  readonly vnfs: readonly { readonly name?: string | undefined; readonly port: number }[];
  readonly probes: readonly ProbeJob[];
  readonly probe: {
    /** Targets that /probe may be asked for; undefined: any. */
    readonly allow?: readonly string[] | undefined;
    /** ns */
    readonly timeout: number;
  };
}

export const defaults: ExportConfig = {
  max_series: 1000,
  expire: 300e9,
  tcp: { enabled: true, by: "comm", prefix4: 24, prefix6: 64, connections: 8192 },
  vnfs: [],
  probes: [],
  probe: { timeout: 5e9 },
};

/** Reads a configuration file; what it leaves out is as in {@link defaults}. */
export async function readConfig(path: string): Promise<ExportConfig> {
  const [{ configSchema }, { readYaml }] = await Promise.all([
    import("./config.ts"),
    import("./yaml.ts"),
  ]);
  return readYaml(path, configSchema);
}
