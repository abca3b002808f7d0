/** Aligned columns for humans: text to the left, numbers to the right, below 80 columns. */
import type { Column, Table } from "../model/table.ts";
import { cellText } from "./cell.ts";

export interface TableOptions {
  readonly width?: number;
  /** Makes the head bold; off unless a terminal reads it. */
  readonly colour?: boolean;
}

export function table(
  { columns, rows }: Omit<Table, "schema">,
  options: TableOptions = {},
): string {
  const head = columns.map((column) => column.title ?? column.key);
  const body = rows.map((row) => columns.map(({ key, unit }) => cellText(row[key], unit)));
  const { widths, gap } = fit(columns, [head, ...body], options.width ?? 79);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => pad(cell, widths[at], columns[at].unit === "text"))
      .join(gap)
      .trimEnd();
  const top = options.colour ? `\x1b[1m${line(head)}\x1b[0m` : line(head);
  return `${[top, ...body.map(line)].join("\n")}\n`;
}

/** Widths that are too wide together: texts give way, then the gaps between columns; numbers do not. */
function fit(columns: readonly Column[], lines: readonly string[][], width: number) {
  const widths = columns.map((_, at) =>
    Math.max(...lines.map((line) => Bun.stringWidth(line[at]))),
  );
  let excess = widths.reduce((sum, one) => sum + one + 2, -2) - width;
  while (excess > 0) {
    const texts = columns.map(({ unit }, at) => (unit === "text" ? widths[at] : 0));
    const widest = texts.indexOf(Math.max(...texts));
    if (texts[widest] <= 12) break;
    const second = Math.max(12, ...texts.filter((_, at) => at !== widest));
    const cut = Math.min(excess, Math.max(1, texts[widest] - second));
    widths[widest] -= cut;
    excess -= cut;
  }
  return { widths, gap: excess > 0 ? " " : "  " };
}

function pad(text: string, width: number, left: boolean): string {
  const wide = Bun.stringWidth(text);
  if (wide > width) return `${Bun.sliceAnsi(text, 0, width - 1)}…`;
  const space = " ".repeat(width - wide);
  return left ? text + space : space + text;
}
