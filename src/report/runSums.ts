import type { Coverage, LoadReport, RunResult } from "../model/result.ts";
import { meanOf } from "../stats/summary.ts";

/** Packets of all repetitions. */
export function sumCoverage(runs: readonly RunResult[]): Coverage | undefined {
  if (runs.length === 0) return undefined;
  const names = Object.keys(runs[0].coverage) as (keyof Coverage)[];
  const sum = (name: keyof Coverage) =>
    runs.reduce((all, run) => all + numberOf(run.coverage[name]), 0);
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as unknown as Coverage;
}

/** Packets of all repetitions, and their mean rates. */
export function sumLoad(runs: readonly RunResult[]): LoadReport | undefined {
  const loads = runs.flatMap(({ load }) => (load ? [load] : []));
  if (loads.length === 0) return undefined;
  const mean = (name: Exclude<keyof LoadReport, "sent_pps">) =>
    meanOf(loads.map((load) => numberOf(load[name])));
  const rates = loads.flatMap(({ sent_pps: pps }) => (pps === null ? [] : numberOf(pps)));
  return {
    offered_pps: mean("offered_pps"),
    sent_pps: rates.length > 0 ? meanOf(rates) : null,
    sent: mean("sent") * loads.length,
    refused: mean("refused") * loads.length,
  };
}

/** A file may hold anything in a number's place. */
function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
