/** What all runs of a sweep have in common, and what of it has to stay when it is resumed. */
import { newSeed } from "../../../vnf/arguments.ts";
import { usageError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { requireCpu } from "../../kernel/process.ts";
import type { Gap } from "../../model/run.ts";
import type { Wait } from "../../model/wait.ts";
import type { RunOptions } from "../../run/options.ts";
import { changedFiles, readSweepFile, requireSame, type SweepPlan } from "../../sweep/manifest.ts";
import type { Order } from "../../sweep/order.ts";
import type { ParameterFile } from "../../sweep/runs.ts";
import { loadWords, vnfWords } from "../childFlags.ts";
import { defaultReps, type Goal } from "./goals.ts";
import type { CommonOptions } from "./measure.ts";

export interface PlanFlags {
  readonly reps: number | undefined;
  readonly order: Order | undefined;
  readonly seed: number | undefined;
  readonly out: string;
  readonly resume: boolean;
  readonly gap: Gap;
  readonly hooks: RunOptions["hooks"];
  readonly cpu: number | undefined;
  readonly port: number;
  readonly ipv6: boolean;
  readonly vnf: "example" | "external";
  readonly vnfArgs: string | undefined;
  readonly loadArgs: string | undefined;
  readonly timeout: number | undefined;
  readonly awake: boolean;
  readonly wait: Wait;
  readonly cost: boolean;
}

/** What the manifest keeps. A sweep that goes on has the seed and the order it began with. */
export function planOf(given: PlanFlags, goal: Goal, files: readonly ParameterFile[]): SweepPlan {
  const { cost, timeoutNs, ...common } = commonOptions(given);
  const settings = { ...common, cpu: common.cpu ?? null };
  const earlier = given.resume ? readSweepFile(given.out) : undefined;
  if (earlier) {
    requireSame(given.out, earlier, settings);
    const changed = changedFiles(earlier, files);
    if (changed.length > 0) log.warn(`changed since the sweep began: ${changed.join(", ")}`);
    refuseChange("--seed", given.seed, earlier.seed);
    refuseChange("--order", given.order, earlier.order);
  } else if (given.resume) log.info(`there is no sweep in ${given.out} yet: beginning one`);
  const mode = { ...goal, reps: given.reps ?? defaultReps, cost, timeout_ns: timeoutNs ?? null };
  const seed = earlier?.seed ?? given.seed ?? newSeed();
  return { seed, order: earlier?.order ?? given.order ?? "file", mode, settings, files };
}

function refuseChange<T>(flag: string, given: T | undefined, began: T): void {
  if (given === undefined || given === began) return;
  throw usageError(`the sweep began with ${flag} ${began}, not ${given}`, `leave ${flag} out`);
}

export function commonOptions(given: PlanFlags): CommonOptions {
  const { gap, hooks, port, ipv6, cpu, awake, wait, cost } = given;
  if (cpu !== undefined) requireCpu(cpu);
  return {
    ...{ gap, hooks, port, ipv6, cpu, awake, wait, cost },
    external: given.vnf === "external",
    vnfArgs: vnfWords(given.vnfArgs, cpu),
    loadArgs: loadWords(given.loadArgs),
    timeoutNs: given.timeout,
  };
}
