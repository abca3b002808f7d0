/** JSON Lines: one object a line, each with its schema, so that any line stands alone. */
import type { Cell, Column, Row, Table } from "../model/table.ts";

export function jsonl(table: Table): string {
  return table.rows.map((row) => jsonLine(table, row)).join("");
}

export function jsonLine({ schema, columns }: Omit<Table, "rows">, row: Row): string {
  return `${JSON.stringify({ schema, ...plainRow(columns, row) })}\n`;
}

/** The columns' values in their order; null where there is none. */
export function plainRow(columns: readonly Column[], row: Row): Record<string, Cell> {
  return Object.fromEntries(columns.map(({ key }) => [key, row[key] ?? null]));
}
