import { type LogContext, type PacketLog, readKernelLog, readVnfLog } from "../results/logs.ts";
import { ksTwoSample } from "../stats/ks.ts";
import { meanOf } from "../stats/summary.ts";
import { attempt, type OnProblem } from "./attempt.ts";
import type { SampleComparison } from "./combination.ts";
import type { CombinationFiles } from "./folders.ts";
import { Pairing } from "./pairing.ts";
import { Pool } from "./pool.ts";
import { describe, type Quantities } from "./quantity.ts";
import { inAnotherUnit } from "./units.ts";

/** KERNEL_ and VNF_: two samples, and how their rows compare. */
export function analyseLogs(
  { repetitions, scheme, params }: CombinationFiles,
  quantities: Quantities,
  samePackets: boolean,
  notes: string[],
  onProblem: OnProblem,
): SampleComparison | undefined {
  const rows = repetitions.length * params.intervals * params.packets;
  const [sojourn, truth, pairing] = [new Pool(rows), new Pool(rows), new Pairing(rows)];
  for (const { files, params } of repetitions) {
    const context: LogContext = {
      ...params,
      rows: params.intervals * params.packets,
      scheme,
      onProblem,
    };
    const read = [
      attempt(files.KERNEL, (file) => readKernelLog(file, context), onProblem),
      attempt(files.VNF, (file) => readVnfLog(file, context), onProblem),
    ] as const;
    const doubt = read[0] && read[1] && inAnotherUnit(read[0], read[1], scheme);
    if (doubt) onProblem(doubt.problem);
    const [kernel, vnf] = read.map((log) => (log === doubt?.log ? undefined : log));
    sojourn.add(kernel?.valueNs, kernel?.length);
    truth.add(vnf?.valueNs, vnf?.length);
    if (kernel && vnf) pairing.add(kernel, vnf, params.packets);
    notes.push(...differencesOf(kernel, vnf, params.rep));
  }
  const [kernelNs, vnfNs] = [sojourn.sorted(), truth.sorted()];
  describe(quantities, "sojourn", kernelNs, sojourn.batches);
  describe(quantities, "truth", vnfNs, truth.batches);
  if (kernelNs.length === 0 || vnfNs.length === 0) return undefined;
  const bias = pairing.around(meanOf(kernelNs) - meanOf(vnfNs), samePackets);
  return { bias, ks: ksTwoSample(kernelNs, vnfNs), ...pairing.differences() };
}

function differencesOf(
  kernel: PacketLog | undefined,
  vnf: PacketLog | undefined,
  rep: number,
): string[] {
  const notes: string[] = [];
  if (kernel && !vnf) notes.push(`repetition ${rep} has no VNF_ rows`);
  if (vnf && !kernel) notes.push(`repetition ${rep} has no KERNEL_ rows`);
  if (kernel && vnf && kernel.length !== vnf.length) {
    notes.push(`repetition ${rep}: ${vnf.length} rows in VNF_, ${kernel.length} in KERNEL_`);
  }
  const missing = vnf?.missingIntervals ?? 0;
  if (missing > 0) notes.push(`repetition ${rep}: VNF_ skips ${missing} interval numbers`);
  return notes;
}
