import type { Table } from "../model/table.ts";
import type { RowProblem } from "../results/lines.ts";
import { cellText } from "../sinks/cell.ts";
import { type ChartName, charts } from "./charts.ts";
import type { Report } from "./report.ts";
import { pageStyle } from "./style.ts";
import { element, escapeText } from "./svg/element.ts";
import { sampleTable, spanTable } from "./tables.ts";
import { reportNotes, samplesLegend, spansLegend } from "./text.ts";

const explanations: Readonly<Record<ChartName, readonly [title: string, text: string]>> = {
  ecdf: [
    "Distributions",
    "The share of packets that took at most so long. truth is what the VNF stamped itself; service is its counterpart seen from the kernel; sojourn is queue and service together.",
  ],
  error: [
    "Error per packet",
    "Measured minus truth on the same packet: a line from the 1st to the 99th percentile, a box for the middle half, a mark at the median.",
  ],
  load: ["Times over the load", "Median solid, 99th percentile dotted."],
  budget: [
    "Stage budget",
    "Mean time per stage; means add up where medians do not. ingress is from the device to UDP. Of runs without spans: truth, and the rest of the sojourn.",
  ],
};

/** One page with everything in it: no script, nothing loaded, the same bytes for the same results. */
export function reportHtml(report: Report): string {
  const title = `komon: ${report.paths.join(", ")}`;
  const order: readonly ChartName[] = ["error", "budget", "load", "ecdf"];
  const body = [
    element("h1", {}, escapeText(title)),
    overview(report),
    ...tables(report),
    ...order.map((name) => chartSection(report, name)),
    list("Notes", reportNotes(report)),
    list("Rows that could not be read", report.problems.map(problemText)),
    ...manifests(report),
  ];
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeText(title)}</title>`,
    `<style>\n${pageStyle}\n</style></head>`,
    `<body>\n${body.filter((part) => part !== "").join("\n")}\n</body></html>\n`,
  ].join("\n");
}

function overview({ combinations }: Report): string {
  const runs = combinations.reduce((all, { reps }) => all + reps.length, 0);
  const packets = combinations.reduce((all, { quantities }) => {
    return all + ((quantities.sojourn ?? quantities.truth)?.summary.count ?? 0);
  }, 0);
  const text = `${count(combinations.length, "combination")}, ${count(runs, "run")}, ${count(packets, "sampled packet")}.`;
  return soft(text);
}

function soft(text: string): string {
  return element("p", { class: "soft" }, escapeText(text));
}

function count(number: number, what: string): string {
  return `${cellText(number, "count")} ${what}${number === 1 ? "" : "s"}`;
}

function tables({ combinations }: Report): string[] {
  const folders = Map.groupBy(combinations, ({ folder }) => folder);
  return [...folders].flatMap(([folder, inside]) => {
    const withSpans = inside.filter(({ quantities }) => quantities.service !== undefined);
    return [
      element("h2", {}, escapeText(folder)),
      soft(samplesLegend),
      tableHtml(sampleTable(inside)),
      ...(withSpans.length > 0 ? [soft(spansLegend), tableHtml(spanTable(withSpans))] : []),
    ];
  });
}

function tableHtml({ columns, rows }: Table): string {
  const kind = (unit: string) => (unit === "text" ? { class: "text" } : {});
  const head = columns.map(({ title, key, unit }) => {
    return element("th", kind(unit), escapeText(title ?? key));
  });
  const lines = rows.map((row) => {
    const cells = columns.map(({ key, unit }) => {
      return element("td", kind(unit), escapeText(cellText(row[key], unit)));
    });
    return element("tr", {}, ...cells);
  });
  const inside = element("thead", {}, element("tr", {}, ...head)) + element("tbody", {}, ...lines);
  return element("div", { class: "wide" }, element("table", {}, inside));
}

function chartSection(report: Report, name: ChartName): string {
  const pictures = charts(report, name);
  if (pictures.length === 0) return "";
  const [title, text] = explanations[name];
  const grid = element("div", name === "ecdf" ? { class: "charts" } : {}, ...pictures);
  return [element("h2", {}, title), soft(text), grid].join("\n");
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const shown = items.slice(0, 200).map((item) => element("li", {}, escapeText(item)));
  if (items.length > 200) shown.push(element("li", {}, `… and ${items.length - 200} more`));
  return element("h2", {}, title) + element("ul", {}, ...shown);
}

function problemText({ file, line, what }: RowProblem): string {
  return line > 0 ? `${file}:${line}: ${what}` : `${file}: ${what}`;
}

/** One table for all manifests; what differs between them is counted. */
function manifests({ combinations }: Report): string[] {
  const all = combinations.flatMap(({ runs }) => runs.map(({ manifest }) => manifest));
  if (all.length === 0) return [];
  const keys = new Set(all.flatMap((manifest) => Object.keys(manifest)));
  const rows = [...keys].map((key) => {
    const values = [...new Set(all.map((manifest) => valueText(manifest[key])))];
    const more = values.length > 3 ? ` … ${count(values.length, "different value")}` : "";
    const shown = values.slice(0, 3).map((value) => element("code", {}, escapeText(value)));
    return element(
      "tr",
      {},
      element("td", {}, escapeText(key)),
      element("td", {}, shown.join(", "), more),
    );
  });
  const title = `Manifest of ${count(all.length, "run")}`;
  return [element("h2", {}, title), element("table", { class: "manifest" }, ...rows)];
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "-");
}
