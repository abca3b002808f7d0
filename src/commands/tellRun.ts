import { Exit, type ExitCode, KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { mayColour, print } from "../base/output.ts";
import { writeRunResult } from "../results/runFile.ts";
import type { Measured } from "../run/account.ts";
import { json } from "../sinks/json.ts";
import { runText } from "../sinks/run.ts";

/** The end of a run: its RUN_ file, its result on stdout, what went wrong, and the exit code. */
export function tellRun(measured: Measured, out: string, format: "table" | "json"): ExitCode {
  const file = writeRunResult(out, measured.result);
  const result = { ...measured.result, files: [...measured.result.files, file] };
  print(format === "json" ? json(result) : runText({ ...measured, result }, mayColour("stdout")));
  const { ended, wrongPairs, incomplete } = measured;
  if (wrongPairs > 0) {
    throw new KomonError({
      what: `${wrongPairs} packets were paired wrongly`,
      why: "their rows in the VNF's ground truth contradict them",
      exit: Exit.incomplete,
    });
  }
  if (ended === "interrupted") return Exit.done;
  if (ended !== undefined) log.warn(ended);
  return ended !== undefined || incomplete > 0 ? Exit.incomplete : Exit.done;
}
