import { Exit, type ExitCode, KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { mayColour, print } from "../base/output.ts";
import { counted } from "../base/units.ts";
import { writeRunResult } from "../results/runFile.ts";
import type { Measured } from "../run/account.ts";
import { json } from "../sinks/json.ts";
import { runText } from "../sinks/run.ts";

/** The end of a run: its RUN_ file, its result on stdout, what went wrong, and the exit code. */
export function tellRun(measured: Measured, out: string, format: "table" | "json"): ExitCode {
  const { result, unwritten } = kept(measured, out);
  print(format === "json" ? json(result) : runText({ ...measured, result }, mayColour("stdout")));
  const { ended, wrongPairs, incomplete } = measured;
  if (wrongPairs > 0) {
    throw new KomonError({
      what: `${counted(wrongPairs, "packet")} paired wrongly`,
      why: "their rows in the VNF's ground truth contradict them",
      exit: Exit.incomplete,
    });
  }
  if (unwritten) throw unwritten;
  if (ended === "interrupted") return Exit.done;
  if (ended !== undefined) log.warn(ended);
  return ended !== undefined || incomplete > 0 ? Exit.incomplete : Exit.done;
}

/** The result with its RUN_ file; where that cannot be written, the result all the same. */
function kept(
  { result, unwritten }: Measured,
  out: string,
): Pick<Measured, "result" | "unwritten"> {
  if (unwritten) return { result, unwritten };
  try {
    const file = writeRunResult(out, result);
    return { result: { ...result, files: [...result.files, file] }, unwritten };
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    return { result, unwritten: error };
  }
}
