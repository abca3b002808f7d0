/** What every benchmark prints: the figure, the bar it must meet, what it aims for, and the peer beside it. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly must: string;
  readonly aim: string;
  readonly peer: string;
  /** Undefined: shown for comparison only. */
  readonly met: boolean | undefined;
}

export function printRows(title: string, rows: readonly Row[]): void {
  const head = ["what", "measured", "must", "aim", "peer", "met"];
  const cells = rows.map(({ what, measured, must, aim, peer, met }) => [
    ...[what, measured, must, aim, peer],
    met === undefined ? "" : met ? "yes" : "NO",
  ]);
  const width = (column: number) =>
    Math.max(...[head, ...cells].map((line) => Bun.stringWidth(line[column])));
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text, at) => text.padEnd(width(at) + text.length - Bun.stringWidth(text))).join(" | ")} |`;
  const rule = `|${head.map((_, at) => "-".repeat(width(at) + 2)).join("|")}|`;
  console.log(`\n## ${title}\n\n${[line(head), rule, ...cells.map(line)].join("\n")}\n`);
}

export function ns(value: number): string {
  return Math.abs(value) < 1000 ? `${Math.round(value)} ns` : `${(value / 1000).toFixed(2)} µs`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
