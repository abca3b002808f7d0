import { readBufferLog } from "../results/logs.ts";
import { readRunResult } from "../results/runFile.ts";
import { meanOf, quantileSorted, sorted } from "../stats/summary.ts";
import { attempt, type OnProblem } from "./attempt.ts";
import type { BufferSummary, CombinationReport } from "./combination.ts";
import type { CombinationFiles } from "./folders.ts";
import { analyseLogs } from "./logAnalysis.ts";
import type { Quantities } from "./quantity.ts";
import { sumCoverage, sumLoad } from "./runSums.ts";
import { analyseSpans } from "./spanAnalysis.ts";

/**
 * Reads the files of a combination and describes them. Holds the rows of one combination at a time,
 * and of its files one kind after the other. A file that cannot be read is a problem, and the rest is
 * still described.
 */
export function analyse(files: CombinationFiles, onProblem: OnProblem): CombinationReport {
  const notes: string[] = [];
  const quantities: Quantities = {};
  const runs = files.repetitions.map((one) => attempt(one.files.RUN, readRunResult, onProblem));
  const offsets = runs.map((run) => run?.corrected?.offset_ns);
  const error = analyseSpans(files, offsets, quantities, onProblem);
  const samePackets = error !== undefined;
  const comparison = analyseLogs(files, quantities, samePackets, notes, onProblem);
  const buffer = analyseBuffers(files, onProblem);
  const read = runs.filter((run) => run !== undefined);
  const calibrated = offsets.filter((offset) => offset !== undefined).length;
  if (calibrated > 0 && calibrated < offsets.length) {
    notes.push(`${calibrated} of ${offsets.length} repetitions are calibrated: no corrected error`);
  }
  const coverage = sumCoverage(read);
  const load = sumLoad(read);
  return {
    folder: files.folder,
    below: files.below,
    scheme: files.scheme,
    params: files.params,
    reps: files.repetitions.map(({ params }) => params.rep),
    quantities,
    samePackets,
    notes,
    runs: read,
    ...(comparison && { comparison }),
    ...(error && { error }),
    ...(buffer && { buffer }),
    ...(coverage && { coverage }),
    ...(load && { load }),
  };
}

function analyseBuffers(
  { repetitions }: CombinationFiles,
  onProblem: OnProblem,
): BufferSummary | undefined {
  const read = (file: string) => readBufferLog(file, onProblem).bytes;
  const bytes = sorted(
    repetitions.flatMap(({ files }) => attempt(files.BUFFER, read, onProblem) ?? []),
  );
  if (bytes.length === 0) return undefined;
  return {
    intervals: bytes.length,
    filled: bytes.filter((value) => value > 0).length,
    mean_bytes: meanOf(bytes),
    p50_bytes: quantileSorted(bytes, 0.5),
    p90_bytes: quantileSorted(bytes, 0.9),
    max_bytes: bytes[bytes.length - 1],
  };
}
