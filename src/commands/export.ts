import { usageError } from "../base/errors.ts";
import { print } from "../base/output.ts";
import { RunStatistics } from "../kernel/info.ts";
import { defineCommand, Exit, flag } from "./define.ts";
import { serve } from "./export/serve.ts";
import { exportArgs, readHowToServe, readSettings } from "./export/settings.ts";

export default defineCommand({
  name: "export",
  summary: "Serves what komon measures to Prometheus.",
  details: `Round-trip times, connects and sessions of TCP, the spans of VNFs, and what komon itself costs, at \
/metrics: Prometheus text, OpenMetrics, or protobuf with native histograms, as the scraper asks.

SIGHUP, or POST to /-/reload, reads the configuration again; what did not change keeps its counters. On a mistake \
the old configuration stays in force. Flags win over the file.`,
  example: "komon export --vnf nat=1234\ncurl http://127.0.0.1:19435/metrics",
  args: {
    ...exportArgs,
    "web.telemetry-path": flag.text({ help: "of the metrics", hint: "PATH", default: "/metrics" }),
    "config.check": flag.boolean({ help: "say whether the configuration is right, and end" }),
    "otlp.endpoint": flag.text({
      help: "push to this OpenTelemetry collector, too: http://127.0.0.1:4318",
      hint: "URL",
    }),
    "otlp.interval": flag.duration({ help: "between pushes", default: 15e9, min: 1e8 }),
    user: flag.text({ help: "become this user once all is attached, and lose all capabilities" }),
    bpfStats: flag.boolean({ help: "let the kernel time all BPF programs of this host" }),
  },
  async run({ args, stop }) {
    if (args["config.check"]) {
      await readSettings(args);
      await readHowToServe(args);
      print("the configuration is right\n");
      return Exit.done;
    }
    using _statistics = args.bpfStats ? new RunStatistics() : undefined;
    const path = metricsPath(args["web.telemetry-path"]);
    const endpoint = args["otlp.endpoint"];
    if (endpoint !== undefined && !/^https?:\/\/./.test(endpoint)) {
      throw usageError(
        `--otlp.endpoint: "${endpoint}" is no URL`,
        "for example http://127.0.0.1:4318",
      );
    }
    return await serve({
      ...{ args, metricsPath: path, path, user: args.user, stop },
      async site(exporter, parts) {
        if (endpoint !== undefined) {
          const { OtlpPush } = await import("../export/otlp.ts");
          parts.use(new OtlpPush(endpoint, args["otlp.interval"], () => exporter.families()));
        }
        return exporter;
      },
    });
  },
});

function metricsPath(path: string): string {
  if (!/^\/[\w./-]*[\w-]$/.test(path) || path.startsWith("/-/") || path === "/probe") {
    throw usageError(`"${path}" cannot be the path of the metrics`, "for example /metrics");
  }
  return path;
}
