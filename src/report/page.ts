/** The parts that HTML pages of reports are made of. */
import { counted } from "../base/units.ts";
import type { Manifest } from "../model/result.ts";
import type { Table } from "../model/table.ts";
import type { RowProblem } from "../results/lines.ts";
import { cellText } from "../sinks/cell.ts";
import { pageStyle } from "./style.ts";
import { element, escapeText } from "./svg/element.ts";

/** One page with everything in it: no script, nothing loaded. Empty parts are left out. */
export function page(title: string, body: readonly string[]): string {
  const parts = [element("h1", {}, escapeText(title)), ...body];
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeText(title)}</title>`,
    `<style>\n${pageStyle}\n</style></head>`,
    `<body>\n${parts.filter((part) => part !== "").join("\n")}\n</body></html>\n`,
  ].join("\n");
}

export function heading(text: string): string {
  return element("h2", {}, escapeText(text));
}

export function soft(text: string): string {
  return element("p", { class: "soft" }, escapeText(text));
}

export function tableHtml({ columns, rows }: Table): string {
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

/** Pictures under a heading and a sentence; nothing where there are none. */
export function pictures(title: string, text: string, all: readonly string[], grid: boolean) {
  if (all.length === 0) return "";
  const inside = element("div", { class: grid ? "charts" : "wide" }, ...all);
  return [heading(title), soft(text), inside].join("\n");
}

export function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const shown = items.slice(0, 200).map((item) => element("li", {}, escapeText(item)));
  if (items.length > 200) shown.push(element("li", {}, `… and ${items.length - 200} more`));
  return heading(title) + element("ul", {}, ...shown);
}

/** A table under a heading; nothing where it has no rows. */
export function section(title: string, table: Table): string {
  return table.rows.length > 0 ? heading(title) + tableHtml(table) : "";
}

export function problemList(problems: readonly RowProblem[]): string {
  const text = ({ file, line, what }: RowProblem) =>
    line > 0 ? `${file}:${line}: ${what}` : `${file}: ${what}`;
  return list("Rows that could not be read", problems.map(text));
}

/** One table for all manifests, a column per side; of what differs between runs, the first values. */
export function manifestTable(
  title: string,
  sides: readonly { readonly name: string; readonly manifests: readonly Manifest[] }[],
): string {
  const all = sides.flatMap(({ manifests }) => manifests);
  if (all.length === 0) return "";
  const keys = new Set(all.flatMap((manifest) => Object.keys(manifest)));
  const rows = [...keys].map((key) => {
    const cells = sides.map(({ manifests }) => element("td", {}, valuesHtml(manifests, key)));
    const unlike = new Set(cells).size > 1 ? { class: "unlike" } : {};
    return element("tr", unlike, element("td", {}, escapeText(key)), ...cells);
  });
  const names = sides.map(({ name }) => element("th", { class: "text" }, escapeText(name)));
  const head = element("thead", {}, element("tr", {}, element("th", {}), ...names));
  const body = element("tbody", {}, ...rows);
  const table = element(
    "table",
    { class: "manifest" },
    ...(sides.length > 1 ? [head, body] : [body]),
  );
  return heading(title) + element("div", { class: "wide" }, table);
}

function valuesHtml(manifests: readonly Manifest[], key: string): string {
  const values = [...new Set(manifests.map((manifest) => valueText(manifest[key])))];
  const more = values.length > 3 ? ` … ${counted(values.length, "different value")}` : "";
  const shown = values.slice(0, 3).map((value) => element("code", {}, escapeText(value)));
  return shown.join(", ") + more;
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "-");
}
