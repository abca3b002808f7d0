/** What to ask Prometheus about a metric, from its declaration alone. */
import type { Metric } from "../../model/metric.ts";

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

const window = "$__rate_interval";

export function queriesOf(metric: Metric): Query[] {
  const { name, labels, type } = metric;
  const by = labels.join(", ");
  const legend = labels.map((label) => `{{${label}}}`).join(" ");
  switch (type) {
    case "histogram":
      return [0.5, 0.99].map((q) => ({
        expr: `histogram_quantile(${q}, sum by (le, ${by}) (rate(${name}_bucket[${window}])))`,
        legend: `p${q * 100} ${legend}`,
      }));
    case "counter": {
      const sum = by
        ? `sum by (${by}) (rate(${name}[${window}]))`
        : `sum(rate(${name}[${window}]))`;
      // A counter with labels has no series before its first event; zero is the truth then.
      return [{ expr: `${sum} or vector(0)`, legend: legend || name }];
    }
    case "gauge":
      return [{ expr: by ? `sum by (${by}) (${name})` : `sum(${name})`, legend: legend || name }];
  }
}

/** Grafana's name of the unit of what {@link queriesOf} asks for. */
export function grafanaUnit({ name, type }: Metric): string {
  if (/_seconds(_total)?$/.test(name)) return type === "counter" ? "percentunit" : "s";
  if (/_bytes(_total)?$/.test(name)) return type === "counter" ? "Bps" : "bytes";
  return type === "counter" ? "cps" : "short";
}
