import type { Table } from "../model/table.ts";
import type { Removed } from "../testbed/stale.ts";

/** What a command that cleans up prints. */
export function removedTable(
  removed: readonly Removed[],
  { dryRun = false, wide = false }: { dryRun?: boolean; wide?: boolean } = {},
): Table {
  const done = dryRun ? "would be removed" : "removed";
  return {
    schema: "komon.removed/1",
    columns: [
      { key: "owner_pid", title: "made by", unit: "number" },
      { key: "of", title: "part of", unit: "text" },
      { key: "resource", unit: "text" },
      { key: "result", unit: "text" },
      ...(wide ? [{ key: "owner_command", unit: "text" } as const] : []),
    ],
    rows: removed.map(({ owner, of, resource, kept }) => ({
      owner_pid: owner?.pid,
      owner_command: owner?.command,
      of,
      resource,
      result: kept === undefined ? done : `not removed: ${kept}`,
    })),
  };
}
