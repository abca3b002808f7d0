/** A table in the format that was asked for. */
import { type Format, formats, type Table } from "../model/table.ts";
import { csv } from "./csv.ts";
import { jsonTable } from "./json.ts";
import { jsonl } from "./jsonl.ts";
import { type TableOptions, table } from "./table.ts";

export { formats };

export function formatTable(format: Format, result: Table, options: TableOptions = {}): string {
  switch (format) {
    case "table":
      return table(result, options);
    case "json":
      return jsonTable(result);
    case "jsonl":
      return jsonl(result);
    case "csv":
      return csv(result);
  }
}
