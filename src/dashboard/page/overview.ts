/** Tables with a row for each VNF and each target of probes. */

type Values = Readonly<Record<string, number>>;

/** Shows a section's table with these rows; without any the section is hidden. */
export function fill(
  id: string,
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const section = document.getElementById(id) as HTMLElement;
  section.hidden = rows.length === 0;
  const head = section.querySelector("thead tr") as HTMLTableRowElement;
  if (head.children.length === 0) {
    for (const text of heads) head.appendChild(document.createElement("th")).textContent = text;
  }
  section.querySelector("tbody")?.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      for (const text of cells) row.insertCell().textContent = text;
      return row;
    }),
  );
}

/** Of each VNF what came in, how much of it was measured, and what became of the rest. */
export function vnfs(values: Values): void {
  const rows = namesIn(values, /^komon_vnf_packets_total\{vnf=(".*"),outcome="seen"\}:rate$/).map(
    (name) => {
      const rate = (outcome: string) =>
        values[`komon_vnf_packets_total{vnf=${name},outcome="${outcome}"}:rate`] ?? 0;
      const seen = rate("seen");
      return [
        JSON.parse(name) as string,
        perSecond(seen),
        seen > 0 ? `${Math.min(100, (100 * rate("matched")) / seen).toFixed(1)} %` : "",
        perSecond(rate("expired")),
        perSecond(rate("collided")),
        perSecond(rate("filtered")),
        String(values[`komon_vnf_packets_in_flight{vnf=${name}}`] ?? 0),
      ];
    },
  );
  fill("vnfs", ["VNF", "seen", "matched", "expired", "collided", "filtered", "in flight"], rows);
}

/** Of each target of probes the round-trip time of the last second, and its loss. */
export function targets(values: Values, format: (seconds: number) => string): void {
  const rows = namesIn(values, /^komon_probe_answers_total\{(.*)\}:rate$/).map((labels) => {
    const time = (q: string) => {
      const seconds = values[`komon_probe_rtt_seconds{${labels}}:${q}`];
      return seconds === undefined ? "" : format(seconds);
    };
    const rate = (what: string) =>
      perSecond(values[`komon_probe_${what}_total{${labels}}:rate`] ?? 0);
    const [, kind, target] = /^kind="(.*)",target=(".*")$/.exec(labels) ?? [];
    const name = target ? `${JSON.parse(target)} (${kind})` : labels;
    return [name, time("p50"), time("p99"), rate("answers"), rate("lost"), rate("errors")];
  });
  fill("targets", ["target", "p50", "p99", "answers", "lost", "errors"], rows);
}

function namesIn(values: Values, pattern: RegExp): string[] {
  return Object.keys(values).flatMap((key) => pattern.exec(key)?.[1] ?? []);
}

function perSecond(rate: number): string {
  return `${Number(rate.toPrecision(3)).toLocaleString("en")}/s`;
}
