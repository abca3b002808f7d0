/** How the traces print: bcc's lines for humans, komon's columns for machines. */
import { print } from "../../base/output.ts";
import { printable } from "../../base/printable.ts";
import { realtimeNs } from "../../kernel/libc.ts";
import type { Column, Format, Row, Table } from "../../model/table.ts";
import { csvHead, csvLine } from "../../sinks/csv.ts";
import { formatTable } from "../../sinks/format.ts";
import { jsonLine } from "../../sinks/jsonl.ts";

/** A result as komon's columns, and the line that bcc's tool would print. */
export interface Line {
  readonly row: Row;
  readonly text: string;
}

/** Prints each result as it comes; JSON, being one document, at the end. */
export class Lines {
  readonly #format: Format | "bcc-csv";
  readonly #shape: Omit<Table, "rows">;
  readonly #rows: Row[] = [];

  constructor(format: Format | "bcc-csv", shape: Omit<Table, "rows">, head: string) {
    this.#format = format;
    this.#shape = shape;
    if (format === "csv") print(csvHead(shape.columns));
    else if (format === "table" || format === "bcc-csv") print(`${head}\n`);
  }

  add({ row, text }: Line): void {
    switch (this.#format) {
      case "json":
        this.#rows.push(row);
        break;
      case "jsonl":
        print(jsonLine(this.#shape, row));
        break;
      case "csv":
        print(csvLine(this.#shape.columns, row));
        break;
      default:
        print(`${printable(text, "\t")}\n`);
    }
  }

  end(): void {
    if (this.#format === "json") {
      print(formatTable("json", { ...this.#shape, rows: this.#rows }));
    }
  }
}

/** `23:39:41`, local time. */
export function clock(date = new Date()): string {
  return date.toTimeString().slice(0, 8);
}

/** Wall-clock time of an event, for machines. */
export function isoTime(monotonicNs: number, nowMonotonicNs: number): string {
  return new Date((realtimeNs() - (nowMonotonicNs - monotonicNs)) / 1e6).toISOString();
}

/** A cell of a line with columns: cut or padded to the left. */
export function left(value: string | number, width: number, cut = false): string {
  const text = String(value);
  return (cut ? text.slice(0, width) : text).padEnd(width);
}

export function right(value: string | number, width: number): string {
  return String(value).padStart(width);
}

/** The columns that say which connection, the same in all traces. */
export const connectionColumns: readonly Column[] = [
  { key: "time", unit: "text" },
  { key: "pid", unit: "number" },
  { key: "comm", unit: "text" },
  { key: "ip", unit: "number" },
  { key: "laddr", unit: "text" },
  { key: "lport", unit: "number" },
  { key: "raddr", unit: "text" },
  { key: "rport", unit: "number" },
  { key: "role", unit: "text" },
  { key: "netns", unit: "number" },
  { key: "cgroup", unit: "number" },
];
