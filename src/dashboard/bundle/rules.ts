/** Recording and alert rules for Prometheus. */
import { selfMetrics } from "../../export/self.ts";
import type { Metric } from "../../model/metric.ts";
import { activeMetrics } from "../../probes/active/metrics.ts";
import { tcpMetrics } from "../../probes/tcp/metrics.ts";
import { vnfMetrics } from "../../probes/vnf/metrics.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Quantiles of every histogram over five minutes, so that dashboards of many hosts stay fast. */
function recorded(metric: Metric): Rule[] {
  const by = metric.labels.join(", ");
  return [0.5, 0.99].map((q) => ({
    record: `instance:${metric.name}:p${q * 100}_5m`,
    expr: `histogram_quantile(${q}, sum by (instance, le, ${by}) (rate(${metric.name}_bucket[5m])))`,
  }));
}

function alert(name: string, expr: string, wait: string, severity: string, summary: string): Rule {
  return { alert: name, expr, for: wait, labels: { severity }, annotations: { summary } };
}

export function prometheusRules(): object {
  const histograms = [vnfMetrics, tcpMetrics, activeMetrics]
    .flatMap((metrics): Metric[] => Object.values(metrics))
    .filter(({ type }) => type === "histogram");
  const lost = [tcpMetrics.lost, tcpMetrics.untracked].map(({ name }) => `rate(${name}[5m]) > 0`);
  const packets = vnfMetrics.packets.name;
  const ofOutcome = (outcome: string) => `rate(${packets}{outcome="${outcome}"}[5m])`;
  const per = "by (instance, vnf)";
  const failed = `${tcpMetrics.connectLatency.name}_count{result!="ok"}`;
  const [lostRate, answerRate] = [activeMetrics.lost, activeMetrics.answers].map(
    ({ name }) => `rate(${name}[5m])`,
  );
  const probesLost = `${lostRate} / (${lostRate} + ${answerRate}) > 0.1`;
  return {
    groups: [
      { name: "komon-records", interval: "30s", rules: histograms.flatMap(recorded) },
      {
        name: "komon-alerts",
        rules: [
          alert(
            "KomonDown",
            'up{job="komon"} == 0',
            "2m",
            "critical",
            "komon on {{ $labels.instance }} does not answer",
          ),
          alert(
            "KomonMissesEvents",
            lost.join(" or "),
            "5m",
            "warning",
            "komon on {{ $labels.instance }} misses connections or events",
          ),
          alert(
            "KomonVnfLosesPackets",
            `sum ${per} (${ofOutcome("expired")}) / sum ${per} (${ofOutcome("seen")}) > 0.01`,
            ...([
              "5m",
              "warning",
              "VNF {{ $labels.vnf }} on {{ $labels.instance }} does not give back {{ $value | humanizePercentage }} of its packets",
            ] as const),
          ),
          alert(
            "KomonTcpConnectsFail",
            `sum by (instance, comm, result) (rate(${failed}[5m])) > 1`,
            ...([
              "5m",
              "warning",
              "{{ $labels.comm }} on {{ $labels.instance }}: connects end as {{ $labels.result }}",
            ] as const),
          ),
          alert(
            "KomonProbesLost",
            probesLost,
            "2m",
            "warning",
            "{{ $labels.target }} leaves {{ $value | humanizePercentage }} of its {{ $labels.kind }} probes from {{ $labels.instance }} unanswered",
          ),
          alert(
            "KomonProbesMeetErrors",
            `rate(${activeMetrics.errors.name}[5m]) > 0`,
            "5m",
            "warning",
            "{{ $labels.kind }} probes of {{ $labels.target }} from {{ $labels.instance }} meet errors; komon's log says which",
          ),
          alert(
            "KomonFoldsSeries",
            `rate(${selfMetrics.folded.name}[15m]) > 0`,
            "15m",
            "info",
            "{{ $labels.metric }} on {{ $labels.instance }} has reached its limit of series",
          ),
          alert(
            "KomonReloadFailed",
            `increase(${selfMetrics.reloads.name}{result="failure"}[15m]) > 0`,
            "0m",
            "warning",
            "komon on {{ $labels.instance }} refused a configuration",
          ),
        ],
      },
    ],
  };
}
