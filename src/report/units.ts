/** Whether KERNEL_ and VNF_ of one run are in the units they look like. */

import type { RowProblem } from "../results/lines.ts";
import type { PacketLog } from "../results/logs.ts";
import type { NameScheme } from "../results/names.ts";
import { quantileSorted } from "../stats/summary.ts";

/** Around 1000, as far as a wait in the queue, or cutting to whole µs, can shift it. */
const least = 250;
const most = 4000;
/** A queue that filled shifts the upper times only: a wrong unit all of them. */
const shares = [0.05, 0.5] as const;

/**
 * A log whose times are 1000 times the other side's, or a thousandth. Whole numbers do not tell their unit, decimals
 * do, so it is the log without them. Where names and numbers leave no doubt (2019, no decimals) nothing is asked.
 */
export function inAnotherUnit(
  kernel: PacketLog,
  vnf: PacketLog,
  scheme: NameScheme,
): { readonly log: PacketLog; readonly problem: RowProblem } | undefined {
  if (scheme !== "2018" && !kernel.decimals && !vnf.decimals) return undefined;
  if (kernel.length === 0 || vnf.length === 0) return undefined;
  const [a, b] = [sortedTimes(kernel), sortedTimes(vnf)];
  const ratios = shares.map((share) => quantileSorted(a, share) / quantileSorted(b, share));
  const between = (ratio: number) => ratio >= least && ratio <= most;
  const above = ratios.every(between);
  if (!above && !ratios.every((ratio) => between(1 / ratio))) return undefined;
  const [log, other, more] = vnf.decimals ? [kernel, "VNF_", above] : [vnf, "KERNEL_", !above];
  const what =
    `mixed units: read as ${log.microseconds ? "µs" : "ns"}, its times are about ` +
    `${more ? "1000 times" : "a thousandth of"} those in ${other}; the file is left out`;
  return { log, problem: { file: log.file, line: 0, what } };
}

function sortedTimes({ valueNs, length }: PacketLog): Float64Array {
  return valueNs.slice(0, length).sort();
}
