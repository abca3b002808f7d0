/** Rows with named columns: what commands hand to the sinks. */

/** How a column's numbers read for humans; machine formats carry them as they are. */
export type Unit = "ns" | "pps" | "bytes" | "count" | "ratio" | "number" | "text";

export interface Column {
  /** The name in JSON and CSV, with its unit: `p50_ns`. */
  readonly key: string;
  /** The head in a table for humans; the key when left out. */
  readonly title?: string;
  readonly unit: Unit;
}

/** Undefined and NaN mean: there is no such value. */
export type Cell = string | number | boolean | null | undefined;

export type Row = Readonly<Record<string, Cell>>;

export interface Table {
  /** Name and version of the shape: `komon.monitor/1`. */
  readonly schema: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** The formats that every command with results offers. */
export const formats = ["table", "json", "jsonl", "csv"] as const;
export type Format = (typeof formats)[number];
