/** The page: numbers as they come, and the history of the one that is chosen. */
import uPlot from "uplot";
import { budget, connections, heat } from "./extras.ts";
import { targets, vnfs } from "./overview.ts";

interface Alert {
  readonly rule: string;
  readonly series: string;
  readonly state: string;
  readonly value: number;
  readonly silenced: boolean;
}

interface Live {
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
  readonly alerts: readonly Alert[];
  readonly problem?: string;
}

const find = (id: string) => document.getElementById(id) as HTMLElement;
const ranges = { "15 min": 900e3, "6 h": 6 * 3600e3, "7 days": 7 * 86_400e3 };
const rows = new Map<string, { row: HTMLTableRowElement; value: HTMLTableCellElement }>();
const tables = new Map<string, HTMLTableSectionElement>();
let turn = 0;
let chosen = "";
/** Until somebody chooses, the page does: what tells most may appear only with the first packets. */
let isChosenByHand = false;
let range = ranges["15 min"];
let chart: uPlot | undefined;
let data: [number[], (number | null)[]] = [[], []];

const source = new EventSource("/api/live");
source.onmessage = ({ data: text }) => show(JSON.parse(text));
source.onerror = () => state("no connection; trying again", true);

function show(live: Live): void {
  find("state").dataset.at = String(live.at);
  state(
    live.problem ? `history: ${live.problem}` : new Date(live.at).toLocaleTimeString(),
    live.problem !== undefined,
  );
  for (const [key, value] of Object.entries(live.values))
    cell(key).textContent = format(key, value);
  // Nothing new of it this second: its last value stays, and looks it.
  for (const [key, { row }] of rows) row.classList.toggle("old", !(key in live.values));
  const telling = isChosenByHand ? chosen : first(Object.keys(live.values));
  const isSetBack = live.at / 1000 < (data[0].at(-1) ?? 0);
  if (telling !== chosen || isSetBack) void choose(telling);
  else if (range === ranges["15 min"]) grow(live.at, live.values[chosen]);
  if (turn === 0) performance.mark("first values");
  alerts(live.alerts);
  budget(live.values, seconds);
  vnfs(live.values);
  targets(live.values, seconds);
  if (turn++ % 5 === 0) void connections(seconds);
  if (turn % 2 === 0 && chosen) void heat(chosen);
}

function first(keys: readonly string[]): string {
  return (
    keys.find((key) => key.includes("service") && key.endsWith("p50")) ??
    keys.find((key) => key.endsWith(":p50")) ??
    keys[0] ??
    ""
  );
}

function state(text: string, isBad = false): void {
  find("state").textContent = text;
  find("state").classList.toggle("bad", isBad);
}

/** The place for a value, made when it is first seen; one table a metric. */
function cell(key: string): HTMLTableCellElement {
  const known = rows.get(key);
  if (known) return known.value;
  const metric = key.replace(/[{:].*$/s, "");
  let body = tables.get(metric);
  if (!body) {
    const head = document.createElement("h2");
    head.textContent = metric;
    const table = document.createElement("table");
    body = table.createTBody();
    tables.set(metric, body);
    find("groups").append(head, table);
  }
  const row = body.insertRow();
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = key.slice(metric.length) || metric;
  button.onclick = () => {
    isChosenByHand = true;
    void choose(key);
  };
  row.insertCell().append(button);
  const value = row.insertCell();
  value.dataset.key = key;
  rows.set(key, { row, value });
  return value;
}

async function choose(key: string): Promise<void> {
  chosen = key;
  for (const [other, { row }] of rows) {
    row.querySelector("button")?.setAttribute("aria-pressed", String(other === key));
  }
  find("chart-name").textContent = key;
  const to = Date.now();
  const query = new URLSearchParams({ key, from: String(to - range), to: String(to) });
  const points: { at: number; mean: number }[] = await (
    await fetch(`/api/history?${query}`)
  ).json();
  if (chosen !== key) return;
  data = [points.map(({ at }) => at / 1000), points.map(({ mean }) => mean)];
  draw();
}

function grow(at: number, value: number | undefined): void {
  data[0].push(at / 1000);
  data[1].push(value ?? null);
  while (data[0][0] < (at - range) / 1000) for (const column of data) column.shift();
  draw();
}

function draw(): void {
  const width = find("chart").clientWidth;
  if (chart) {
    chart.setData(data);
    if (chart.width !== width) chart.setSize({ width, height: 240 });
    return;
  }
  const ink = getComputedStyle(document.body).color;
  const axis = { stroke: ink, grid: { stroke: "#8884" }, ticks: { stroke: "#8884" } };
  chart = new uPlot(
    {
      width,
      height: 240,
      series: [
        {},
        {
          label: "value",
          stroke: "#42a5f5",
          width: 2,
          value: (_, v) => (v === null ? "" : format(chosen, v)),
        },
      ],
      axes: [axis, { ...axis, size: 80, values: (_, all) => all.map((v) => format(chosen, v)) }],
    },
    data,
    find("chart"),
  );
}

function alerts(list: readonly Alert[]): void {
  const section = find("alerts");
  section.hidden = list.length === 0;
  section.replaceChildren(
    ...list.map(({ rule, series, state: is, value, silenced }) => {
      const line = document.createElement("div");
      line.className = `alert ${is}`;
      line.textContent = `${rule} is ${is}: ${series} = ${format(series, value)} `;
      const button = document.createElement("button");
      button.textContent = silenced ? "silent" : "silence for an hour";
      button.disabled = silenced;
      button.onclick = () =>
        void fetch(`/api/silence?${new URLSearchParams({ rule })}`, {
          method: "POST",
          headers: { "x-komon": "1" },
        });
      line.append(button);
      return line;
    }),
  );
}

function format(key: string, value: number): string {
  if (key.endsWith(":rate")) return `${short(value)}/s`;
  if (/_seconds/.test(key)) return seconds(value);
  if (/_bytes/.test(key)) return `${short(value / 2 ** 20)} MiB`;
  return short(value);
}

function seconds(value: number): string {
  if (value < 1e-6) return `${short(value * 1e9)} ns`;
  if (value < 1e-3) return `${short(value * 1e6)} µs`;
  return value < 1 ? `${short(value * 1e3)} ms` : `${short(value)} s`;
}

function short(value: number): string {
  return value === 0
    ? "0"
    : Math.abs(value) >= 1000
      ? Math.round(value).toLocaleString("en")
      : String(Number(value.toPrecision(3)));
}

for (const [name, ms] of Object.entries(ranges)) {
  const button = document.createElement("button");
  button.textContent = name;
  button.onclick = () => {
    range = ms;
    void choose(chosen);
  };
  document.querySelector(".ranges")?.append(button);
}
(find("filter") as HTMLInputElement).oninput = ({ target }) => {
  const wanted = (target as HTMLInputElement).value;
  for (const [key, { row }] of rows) row.hidden = !key.includes(wanted);
};
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  chart?.destroy();
  chart = undefined;
  draw();
});
