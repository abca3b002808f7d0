/** Comma-separated values as in RFC 4180, but with plain line feeds, as KOMon's files have. */
import type { Cell, Column, Row, Table } from "../model/table.ts";

export function csv(table: Table): string {
  return csvHead(table.columns) + table.rows.map((row) => csvLine(table.columns, row)).join("");
}

export function csvHead(columns: readonly Column[]): string {
  return `${columns.map((column) => field(column.key)).join(",")}\n`;
}

/** A value that is not there is an empty field. */
export function csvLine(columns: readonly Column[], row: Row): string {
  return `${columns.map((column) => field(row[column.key])).join(",")}\n`;
}

function field(cell: Cell): string {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return "";
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
