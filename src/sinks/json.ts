/** One JSON object for a whole result, indented; what is not there is null or left out. */
import type { Table } from "../model/table.ts";
import { plainRow } from "./jsonl.ts";

export function json(result: { readonly schema: string }): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}

export function jsonTable({ schema, columns, rows }: Table): string {
  return json({ schema, ...{ rows: rows.map((row) => plainRow(columns, row)) } });
}
