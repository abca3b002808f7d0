/** Flags that export and dashboard share, and what they make of the configuration. */
import { existsSync } from "node:fs";
import { usageError } from "../../base/errors.ts";
import { parseInteger } from "../../base/units.ts";
import { defaults, type ExportConfig, readConfig } from "../../export/settings.ts";
import { openWeb, readWeb, type WebConfig } from "../../export/webConfig.ts";
import { groupings } from "../../probes/tcp/options.ts";
import { flag } from "../define.ts";

const usualConfig = "/etc/komon/komon.yaml";

export const exportArgs = {
  "web.listen-address": flag.text({
    help: "where to listen; :PORT is all addresses (default 127.0.0.1:19435)",
    hint: "ADDRESS:PORT",
    repeat: true,
  }),
  "web.config.file": flag.text({ help: "TLS and basic authentication", hint: "FILE" }),
  "config.file": flag.text({ help: `else ${usualConfig}, where it is`, hint: "FILE" }),
  vnf: flag.text({ help: "a VNF by its UDP port", hint: "[NAME=]PORT", repeat: true }),
  tcp: flag.boolean({ help: "do not watch TCP", default: true }),
  "tcp.by": flag.choice(groupings, { help: "what RTT is put together by" }),
  maxSeries: flag.int({
    help: "of a metric; the rest is other (default 1000)",
    min: 1,
    max: 100_000,
  }),
  expire: flag.duration({ help: "series without news go after (default 5m)", min: 1e9 }),
};

/** The configuration file with the flags over it. */
export async function readSettings(args: ConfigFlags): Promise<ExportConfig> {
  const file = args["config.file"] ?? (existsSync(usualConfig) ? usualConfig : undefined);
  return withFlags(file ? await readConfig(file) : defaults, args);
}

export async function readHowToServe(args: ConfigFlags): Promise<WebConfig> {
  const file = args["web.config.file"];
  return file ? await readWeb(file) : openWeb;
}

export interface ConfigFlags {
  readonly "config.file": string | undefined;
  readonly "web.config.file": string | undefined;
  readonly "web.listen-address": readonly string[];
  readonly vnf: readonly string[];
  readonly tcp: boolean;
  readonly "tcp.by": ExportConfig["tcp"]["by"] | undefined;
  readonly maxSeries: number | undefined;
  readonly expire: number | undefined;
}

function withFlags(config: ExportConfig, args: ConfigFlags): ExportConfig {
  const vnfs = args.vnf.map((text) => {
    const [name, port] = text.includes("=") ? text.split("=", 2) : [text, text];
    return { name, port: parseInteger(port, { min: 1, max: 65_535 }) };
  });
  const all = [...config.vnfs, ...vnfs];
  const twice = all.find(({ port }, at) => all.findIndex((one) => one.port === port) < at);
  if (twice) throw usageError(`port ${twice.port} is watched twice`, "name each VNF once");
  return {
    ...config,
    vnfs: all,
    max_series: args.maxSeries ?? config.max_series,
    expire: args.expire ?? config.expire,
    tcp: {
      ...config.tcp,
      enabled: config.tcp.enabled && args.tcp,
      by: args["tcp.by"] ?? config.tcp.by,
    },
  };
}
