/** Grafana dashboards: one a set of metrics, a panel a metric. */
import { selfMetrics } from "../../export/self.ts";
import type { Metric, Metrics } from "../../model/metric.ts";
import { grafanaUnit, queriesOf } from "./queries.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
const datasource = { type: "prometheus", uid: "${datasource}" };
const wide = 12;
const high = 8;

export function grafanaDashboard(title: string, metrics: Metrics): object {
  return {
    uid: `komon-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`,
    title: `komon: ${title}`,
    tags: ["komon"],
    schemaVersion: 39,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    timezone: "browser",
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source" },
        {
          ...{ name: "instance", type: "query", label: "Host", datasource },
          query: `label_values(${selfMetrics.build.name}, instance)`,
          ...{ multi: true, includeAll: true, allValue: ".*", refresh: 2 },
          current: { text: "All", value: "$__all" },
        },
      ],
    },
    panels: Object.values(metrics).map(panel),
  };
}

function panel(metric: Metric, at: number): object {
  return {
    id: at + 1,
    type: "timeseries",
    title: metric.name,
    description: metric.help,
    datasource,
    gridPos: { x: (at % 2) * wide, y: Math.floor(at / 2) * high, w: wide, h: high },
    fieldConfig: { defaults: { unit: grafanaUnit(metric), min: 0 }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: queriesOf(metric).map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      ...{ datasource, expr, legendFormat: legend },
    })),
  };
}
