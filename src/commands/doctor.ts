import { log } from "../base/log.ts";
import { print } from "../base/output.ts";
import { formatNs } from "../base/units.ts";
import { type Check, canRun, checkAll } from "../doctor/checks.ts";
import { defaultWait, type Wait, waits } from "../model/wait.ts";
import { rungs } from "../probes/vnf/hooks.ts";
import { calibrate } from "../run/calibrate.ts";
import { calibrationPath } from "../run/calibration.ts";
import { json } from "../sinks/json.ts";
import { removeStale } from "../testbed/stale.ts";
import { btf, defineCommand, Exit, flag } from "./define.ts";
import { calibrationOptions } from "./run.ts";

export default defineCommand({
  name: "doctor",
  summary: "Says what komon can do on this machine, what it cannot and why, and the mend.",
  details: "Exit code 0: the main job, komon run, can run here; 3: it cannot.",
  example: "komon doctor",
  args: {
    calibrate: flag.boolean({ help: "measure the instrument's own offset and keep it" }),
    hooks: flag.choice(["auto", ...rungs], { help: "the rung to calibrate", default: "auto" }),
    btf,
    awake: flag.boolean({ help: "calibrate with the CPUs kept awake, for run --awake" }),
    wait: flag.choice(waits, { help: "calibrate with it, for run --wait", default: defaultWait }),
    format: flag.choice(["table", "json"], { help: "of the result", default: "table" }),
  },
  async run({ args, stop }) {
    const checks = checkAll();
    const able = canRun(checks);
    const asTable = args.format === "table";
    if (asTable)
      print(`${checks.map(line).join("")}\nkomon run ${able ? "can" : "cannot"} run here\n`);
    const calibration =
      args.calibrate && able ? await calibrateHere(args.hooks, args, stop) : undefined;
    if (!asTable) {
      const answer = { schema: "komon.doctor/1", able, checks };
      print(json({ ...answer, ...(calibration && { calibration }) } as never));
    }
    if (asTable && calibration) {
      for (const { pps, delay_ns, offset_ns, uncertainty_ns } of calibration.points) {
        const offset = `${formatNs(offset_ns)} ± ${formatNs(uncertainty_ns)}`;
        print(`offset at ${pps} pps, ${formatNs(delay_ns)}: ${offset}\n`);
      }
      print(`kept in ${calibrationPath()}\n`);
    }
    return able ? Exit.done : Exit.cannot;
  },
});

async function calibrateHere(
  hooks: (typeof rungs)[number] | "auto",
  how: { awake: boolean; wait: Wait },
  stop: AbortSignal,
) {
  await removeStale();
  const made = await calibrate(calibrationOptions(hooks, how), stop, (done, of) => {
    log.info(`calibrating: ${done + 1} of ${of}`);
  });
  if (!made) log.info("interrupted: an earlier calibration stays as it was");
  return made;
}

function line({ check, answer, found, why, mend, needed }: Check): string {
  const mark = answer === "yes" ? "ok " : answer === "no" ? (needed ? "NO " : "no ") : "?  ";
  const more = [why && `      why:  ${why}\n`, mend && answer !== "yes" && `      mend: ${mend}\n`];
  return `${mark} ${check.padEnd(14)} ${found}\n${more.filter(Boolean).join("")}`;
}
