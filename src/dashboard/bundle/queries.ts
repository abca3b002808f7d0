/** What to ask Prometheus about a metric, from its declaration alone. */
import type { Metric } from "../../model/metric.ts";

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

const window = "$__rate_interval";
/** The hosts that are chosen at the top of the dashboard. */
const host = 'instance=~"$instance"';

export function queriesOf(metric: Metric): Query[] {
  const { name, labels, type } = metric;
  const by = labels.join(", ");
  const legend = labels.map((label) => `{{${label}}}`).join(" ");
  switch (type) {
    case "histogram":
      return [0.5, 0.99].map((q) => ({
        expr: `histogram_quantile(${q}, sum by (le, ${by}) (rate(${name}_bucket{${host}}[${window}])))`,
        legend: `p${q * 100} ${legend}`,
      }));
    case "counter": {
      const rate = `rate(${name}{${host}}[${window}])`;
      return [{ expr: by ? `sum by (${by}) (${rate})` : `sum(${rate})`, legend: legend || name }];
    }
    case "gauge": {
      const value = `${name}{${host}}`;
      return [{ expr: by ? `sum by (${by}) (${value})` : `sum(${value})`, legend: legend || name }];
    }
  }
}

/** Grafana's name of the unit of what {@link queriesOf} asks for. */
export function grafanaUnit({ name, type }: Metric): string {
  if (/_seconds(_total)?$/.test(name)) return type === "counter" ? "percentunit" : "s";
  if (/_bytes(_total)?$/.test(name)) return type === "counter" ? "Bps" : "bytes";
  return type === "counter" ? "cps" : "short";
}
