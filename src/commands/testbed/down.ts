import { KomonError, usageError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { print } from "../../base/output.ts";
import { formats } from "../../model/table.ts";
import { formatTable } from "../../sinks/format.ts";
import { type KnownTestbed, listTestbeds } from "../../testbed/list.ts";
import { requireTestbedRights } from "../../testbed/permit.ts";
import { removeEntries } from "../../testbed/stale.ts";
import { defineCommand, Exit, flag } from "../define.ts";
import { removedTable } from "../removed.ts";

export default defineCommand({
  name: "testbed down",
  summary: "Removes testbeds: all that no running komon is using, or the one named.",
  example: "komon testbed down --id 1a2b",
  args: {
    id: flag.text({ help: "the testbed to remove; default: all" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  run({ args }) {
    requireTestbedRights();
    const beds = listTestbeds();
    const chosen = args.id === undefined ? beds : [named(args.id, beds)];
    const removed = removeEntries(chosen.filter(isOurs).map(({ entry }) => entry));
    const wide = args.format !== "table";
    if (wide || removed.length > 0) {
      print(formatTable(args.format, removedTable(removed, { wide })));
    } else {
      log.info("there is no testbed to remove");
    }
    for (const { id, owner } of chosen.filter((bed) => !isOurs(bed))) {
      log.info(`testbed ${id} is left alone: komon PID ${owner.pid} is using it`);
    }
    return removed.some(({ kept }) => kept !== undefined) ? Exit.incomplete : Exit.done;
  },
});

/** Whoever runs removes its own when it ends. */
function isOurs({ state }: KnownTestbed): boolean {
  return state === "kept" || state === "left behind";
}

function named(id: string, beds: readonly KnownTestbed[]): KnownTestbed {
  const bed = beds.find((each) => each.id === id);
  if (!bed) throw usageError(`there is no testbed "${id}"`, "komon testbed status lists them");
  if (isOurs(bed)) return bed;
  throw new KomonError({
    what: `cannot remove testbed ${id}`,
    why: `komon PID ${bed.owner.pid} is using it: ${bed.owner.command}`,
    mend: `end that one first: kill ${bed.owner.pid}`,
  });
}
