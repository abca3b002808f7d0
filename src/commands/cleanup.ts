import { log } from "../base/log.ts";
import { print } from "../base/output.ts";
import { formats } from "../model/table.ts";
import { formatTable } from "../sinks/format.ts";
import { previewOrphans, removeOrphans } from "../testbed/orphans.ts";
import { requireTestbedRights } from "../testbed/permit.ts";
import { previewEntries, removeEntries, staleEntries } from "../testbed/stale.ts";
import { defineCommand, Exit, flag } from "./define.ts";
import { removedTable } from "./removed.ts";

export default defineCommand({
  name: "cleanup",
  summary: "Removes what komons that were killed left behind, and says what.",
  details: [
    "Every command that makes things does this when it starts. What a running komon is using is",
    "left alone, and so is what was made to stay, such as the testbeds of `komon testbed up`.",
  ].join("\n"),
  example: "komon cleanup --dry-run",
  args: {
    all: flag.boolean({
      help:
        "also what was made to stay, what komons of other containers made, and namespaces and " +
        "devices that bear komon's names and that nobody recorded",
    }),
    dryRun: flag.boolean({ help: "only say what would be removed" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  run({ args: { all, dryRun, format } }) {
    requireTestbedRights();
    const stale = staleEntries({ all });
    const found = dryRun ? previewEntries(stale) : removeEntries(stale);
    if (all) found.push(...(dryRun ? previewOrphans() : removeOrphans()));
    if (format === "table" && found.length === 0) {
      log.info("there is nothing to clean up");
      return Exit.done;
    }
    print(formatTable(format, removedTable(found, { dryRun, wide: format !== "table" })));
    return found.some(({ kept }) => kept !== undefined) ? Exit.incomplete : Exit.done;
  },
});
