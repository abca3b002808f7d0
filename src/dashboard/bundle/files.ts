/** What bigger sites use: Prometheus and Grafana, ready to start, with komon's dashboards and rules. */
import { selfMetrics } from "../../export/self.ts";
import { activeMetrics } from "../../probes/active/metrics.ts";
import { tcpMetrics } from "../../probes/tcp/metrics.ts";
import { vnfMetrics } from "../../probes/vnf/metrics.ts";
import { grafanaDashboard } from "./grafana.ts";
import { prometheusRules } from "./rules.ts";

const compose = `# docker compose up -d; then http://127.0.0.1:3000 (Grafana), http://127.0.0.1:9090 (Prometheus).
# The host's network, since komon listens on 127.0.0.1; all of these do, too.
services:
  prometheus:
    image: prom/prometheus:v3.5.0
    network_mode: host
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time=30d
      - --web.listen-address=127.0.0.1:9090
    volumes:
      - ./prometheus:/etc/prometheus:ro
      - prometheus-data:/prometheus
    restart: unless-stopped
  node-exporter:
    image: prom/node-exporter:v1.9.1
    network_mode: host
    pid: host
    command: ["--path.rootfs=/host", "--web.listen-address=127.0.0.1:9100"]
    volumes: ["/:/host:ro,rslave"]
    restart: unless-stopped
  grafana:
    image: grafana/grafana:12.1.1
    network_mode: host
    environment:
      GF_SERVER_HTTP_ADDR: 127.0.0.1
      GF_ANALYTICS_REPORTING_ENABLED: "false"
    volumes:
      - ./grafana/provisioning:/etc/grafana/provisioning:ro
      - ./grafana/dashboards:/var/lib/grafana/dashboards:ro
      - grafana-data:/var/lib/grafana
    restart: unless-stopped
volumes:
  prometheus-data:
  grafana-data:
`;

/** What komon asks of who scrapes it. */
export interface Access {
  readonly tls: boolean;
  readonly user: string | undefined;
}

/** Files by path. Secrets are in none: those of {@link Access} are named, to be put beside. */
export function bundleFiles(target: string, access: Access): Map<string, string> {
  const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
  const prometheus = {
    global: { scrape_interval: "15s", evaluation_interval: "30s" },
    rule_files: ["komon.rules.yml"],
    scrape_configs: [
      {
        job_name: "komon",
        ...(access.tls && { scheme: "https", tls_config: { ca_file: "komon.pem" } }),
        ...(access.user !== undefined && {
          basic_auth: { username: access.user, password_file: "komon.password" },
        }),
        static_configs: [{ targets: [target] }],
      },
      { job_name: "node", static_configs: [{ targets: ["127.0.0.1:9100"] }] },
    ],
  };
  const source = {
    apiVersion: 1,
    datasources: [
      {
        name: "Prometheus",
        type: "prometheus",
        access: "proxy",
        url: "http://127.0.0.1:9090",
        isDefault: true,
      },
    ],
  };
  const provider = {
    apiVersion: 1,
    providers: [{ name: "komon", type: "file", options: { path: "/var/lib/grafana/dashboards" } }],
  };
  return new Map([
    ["compose.yaml", compose],
    ["prometheus/prometheus.yml", yaml(prometheus)],
    ["prometheus/komon.rules.yml", yaml(prometheusRules())],
    ["grafana/provisioning/datasources/prometheus.yml", yaml(source)],
    ["grafana/provisioning/dashboards/komon.yml", yaml(provider)],
    ["grafana/dashboards/vnf.json", json(grafanaDashboard("VNFs", vnfMetrics))],
    ["grafana/dashboards/tcp.json", json(grafanaDashboard("TCP", tcpMetrics))],
    ["grafana/dashboards/probes.json", json(grafanaDashboard("probes", activeMetrics))],
    ["grafana/dashboards/self.json", json(grafanaDashboard("itself", selfMetrics))],
  ]);
}

function yaml(value: object): string {
  return `# Written by komon dashboard --prometheus.\n${Bun.YAML.stringify(value, null, 2)}\n`;
}
