/** What is more than one number: the stages of a packet's way, a heat map, the table of connections. */
import { fill } from "./overview.ts";

const stages = ["queue", "service", "egress"] as const;

/** A bar for each VNF: the medians of its stages beside each other. */
export function budget(
  values: Readonly<Record<string, number>>,
  format: (s: number) => string,
): void {
  const section = document.getElementById("budget") as HTMLElement;
  const names = new Set<string>();
  for (const key of Object.keys(values)) {
    const name = /^komon_vnf_span_seconds\{vnf="(.*)",span="service"\}:p50$/.exec(key)?.[1];
    if (name !== undefined) names.add(name);
  }
  if (names.size === 0) return;
  section.hidden = false;
  const bars = [...names].flatMap((name) => {
    const head = document.createElement("div");
    head.textContent = JSON.parse(`"${name}"`);
    const bar = document.createElement("div");
    bar.className = "stages";
    for (const stage of stages) {
      const seconds = values[`komon_vnf_span_seconds{vnf="${name}",span="${stage}"}:p50`] ?? 0;
      const part = document.createElement("span");
      part.className = stage;
      part.style.flexGrow = String(seconds * 1e9);
      part.textContent = part.title = `${stage} ${format(seconds)}`;
      bar.append(part);
    }
    return [head, bar];
  });
  section.replaceChildren(section.querySelector("h2") as HTMLElement, ...bars);
}

interface Heat {
  readonly counts: readonly number[];
  readonly unitSeconds: number;
}

/** A column a second, a row an octave, darker where more values fell. */
export async function heat(key: string): Promise<void> {
  const canvas = document.getElementById("heat") as HTMLCanvasElement;
  const base = key.replace(/:(p50|p99|rate)$/, "");
  const columns: Heat[] = await (
    await fetch(`/api/heat?${new URLSearchParams({ key: base })}`)
  ).json();
  canvas.hidden = columns.length === 0;
  if (columns.length === 0) return;
  const used = columns[0].counts.map((_, i) => columns.some(({ counts }) => counts[i] > 0));
  const [low, high] = [used.indexOf(true), used.lastIndexOf(true)];
  canvas.width = canvas.clientWidth;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const width = canvas.width / 300;
  const height = canvas.height / (high - low + 1);
  const most = Math.max(1, ...columns.flatMap(({ counts }) => counts));
  for (const [x, { counts }] of columns.entries()) {
    for (let octave = low; octave <= high; octave++) {
      if (!(counts[octave] > 0)) continue;
      context.fillStyle = `rgb(66 165 245 / ${0.15 + 0.85 * Math.sqrt(counts[octave] / most)})`;
      context.fillRect(x * width, (high - octave) * height, Math.max(1, width), height);
    }
  }
}

interface Living {
  readonly connection: {
    readonly owner: { readonly pid: number; readonly comm: string };
    readonly laddr: string;
    readonly lport: number;
    readonly raddr: string;
    readonly rport: number;
    readonly rtt?: { readonly samples: number; readonly minNs: number; readonly srttNs: number };
  };
  readonly rttP95Ns?: number;
}

const heads = ["program", "here", "there", "samples", "min", "p95", "srtt"];

export async function connections(format: (s: number) => string): Promise<void> {
  const living: Living[] = await (await fetch("/api/connections")).json();
  const time = (ns: number | undefined) => (ns === undefined ? "" : format(ns / 1e9));
  fill(
    "connections",
    heads,
    living.map(({ connection: c, rttP95Ns }) => [
      `${c.owner.comm} ${c.owner.pid}`,
      `${c.laddr} ${c.lport}`,
      `${c.raddr} ${c.rport}`,
      String(c.rtt?.samples ?? 0),
      time(c.rtt?.minNs),
      time(rttP95Ns),
      time(c.rtt?.srttNs),
    ]),
  );
}
