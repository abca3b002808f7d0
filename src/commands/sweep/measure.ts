/** A line of a parameter file, with the command's flags, as one measurement. */
import { counted } from "../../base/units.ts";
import type { Gap } from "../../model/run.ts";
import { measure } from "../../run/measure.ts";
import type { RunOptions } from "../../run/options.ts";
import type { OptionColumn } from "../../sweep/columns.ts";
import type { MeasureRun } from "../../sweep/outcome.ts";
import type { SweepRun } from "../../sweep/runs.ts";
import { loadColumns, vnfColumns } from "../childFlags.ts";

/** What the flags say for all runs; a line's own columns count more. */
export type CommonOptions = Omit<RunOptions, "params" | "seed" | "out">;

export function runOptions(
  { params, options }: SweepRun,
  common: CommonOptions,
  seed: number,
  out: string,
): RunOptions {
  const { gap, hooks, cpu, ipv6 } = options;
  return {
    ...{ ...common, params, seed, out },
    ...(gap !== undefined && { gap: gap as Gap }),
    ...(hooks !== undefined && { hooks: hooks as RunOptions["hooks"] }),
    ...(cpu !== undefined && { cpu: Number(cpu) }),
    ...(ipv6 !== undefined && { ipv6: ipv6 === "yes" }),
    vnfArgs: [...common.vnfArgs, ...flagsOf(options, vnfColumns)],
    loadArgs: [...common.loadArgs, ...flagsOf(options, loadColumns)],
  };
}

function flagsOf(options: SweepRun["options"], columns: readonly OptionColumn[]): string[] {
  return columns.flatMap((column) => {
    const value = options[column];
    if (value === undefined || value === "no") return [];
    const flag = `--${column.replace("_", "-")}`;
    return value === "yes" ? [flag] : [`${flag}=${value}`];
  });
}

/** Measures the runs of a sweep in this process. A run ends early, and incomplete, after `limitNs`. */
export function measurer(
  common: CommonOptions,
  stop: AbortSignal,
  limitNs: (run: SweepRun) => number = () => Number.POSITIVE_INFINITY,
): MeasureRun {
  return async (run, seed, folder, interval) => {
    const enough = new AbortController();
    const limitMs = Math.min(limitNs(run) / 1e6, longestMs);
    const timer = setTimeout(() => enough.abort(), limitMs);
    try {
      const either = AbortSignal.any([stop, enough.signal]);
      const measured = await measure(runOptions(run, common, seed, folder), either, interval);
      const { result, ended, wrongPairs, unwritten } = measured;
      if (unwritten) throw unwritten;
      if (wrongPairs > 0)
        return { result, failed: `${counted(wrongPairs, "packet")} paired wrongly` };
      const cut = ended === "interrupted" && !stop.aborted;
      return { result, ...(ended !== undefined && !cut && { failed: ended }) };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What a timer can wait for. */
const longestMs = 2 ** 31 - 1;
