import { notAttached } from "../attach/attach.ts";
import { attachedPorts, type Detached, detach, detachAll } from "../attach/detach.ts";
import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { removeStale } from "../testbed/stale.ts";
import { defineCommand, Exit, flag } from "./define.ts";

export default defineCommand({
  name: "detach",
  summary: "Ends what `komon attach` began: KOMon's rmmod.",
  details: `Removes the pins, of whatever version of komon; the kernel then lets go of programs and maps. A BPF file
system that komon mounted goes with its last pin.`,
  example: "komon detach --port 1234",
  args: {
    port: flag.port({ help: "the port to let go" }),
    all: flag.boolean({ help: "all ports, and whatever else lies among komon's pins" }),
  },
  async run({ args: { port, all } }) {
    if (all && port !== undefined) {
      throw usageError("--port and --all exclude each other", "drop one of the two");
    }
    if (!all && port === undefined) {
      throw usageError("say what to detach: --port PORT, or --all", "komon detach --port 1234");
    }
    await removeStale();
    if (port !== undefined && !attachedPorts().includes(port)) throw notAttached(port);
    const detached = port === undefined ? detachAll() : [detach(port)];
    if (detached.length === 0) log.info("nothing was attached");
    for (const one of detached) tell(one);
    return detached.some(({ kept }) => kept.length > 0) ? Exit.incomplete : Exit.done;
  },
});

function tell({ port, pins, kept }: Detached): void {
  for (const failure of kept) log.warn(`could not remove ${failure}`);
  if (kept.length > 0) return;
  if (pins > 0) log.info(`detached from port ${port}`);
  else log.info(`port ${port}: its pins were gone already; the record of them is removed`);
}
