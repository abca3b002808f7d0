import { log } from "../base/log.ts";
import { measure } from "../run/measure.ts";
import { removeStale } from "../testbed/stale.ts";
import { defineCommand, flag } from "./define.ts";
import { defaultRun } from "./run.ts";
import { tellRun } from "./tellRun.ts";

export default defineCommand({
  name: "demo",
  summary: "Runs the main job once, with a result worth looking at.",
  example: "komon demo",
  args: {
    out: flag.text({ help: "folder for the result files; else a new one in results/" }),
  },
  async run({ args, stop }) {
    const now = new Date().toISOString().replaceAll(/[-:]|\..*/g, "");
    const out = args.out ?? `results/demo-${now}`;
    await removeStale();
    log.info(
      "a load in its own network namespace sends 1,000 packets a second to the example VNF,",
    );
    log.info("which holds each for a random time (mean 50 µs); komon watches both from the kernel");
    const options = defaultRun({ intervals: 10, packets: 100, delayNs: 50_000, law: 1, out });
    const measured = await measure(options, stop);
    return tellRun(measured, out, "table");
  },
});
