import type { RunResult } from "../model/result.ts";
import { readBufferLog } from "../results/logs.ts";
import { readRunResult } from "../results/runFile.ts";
import { meanOf, quantileSorted, sorted } from "../stats/summary.ts";
import { attempt, type OnProblem } from "./attempt.ts";
import type { BufferSummary, CombinationReport } from "./combination.ts";
import type { CombinationFiles, RepetitionFiles } from "./folders.ts";
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
  const error = analyseSpans(files, quantities, onProblem);
  const samePackets = error !== undefined;
  const comparison = analyseLogs(files, quantities, samePackets, notes, onProblem);
  const buffer = analyseBuffers(files, onProblem);
  const runs = readRuns(files, onProblem);
  const coverage = sumCoverage(runs);
  const load = sumLoad(runs);
  return {
    folder: files.folder,
    below: files.below,
    scheme: files.scheme,
    params: files.params,
    reps: files.repetitions.map(({ params }) => params.rep),
    quantities,
    samePackets,
    notes,
    runs,
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

function readRuns({ repetitions }: CombinationFiles, onProblem: OnProblem): RunResult[] {
  return repetitions.flatMap(({ files }: RepetitionFiles) => {
    return attempt(files.RUN, readRunResult, onProblem) ?? [];
  });
}
