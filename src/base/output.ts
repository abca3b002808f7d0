/**
 * The way to stdout and stderr. Writes are synchronous, so nothing is lost when the process
 * ends, and a reader that went away (`| head`) is not an error: later results are dropped and
 * whoever asked with {@link onStdoutClosed} is told once, so that a run can end the usual way.
 */
import { writeSync } from "node:fs";
import { Exit, KomonError } from "./errors.ts";

const listeners = new Set<() => void>();
let stdoutOpen = true;

/** Writes results to stdout. Adds nothing: the text brings its own line ends. */
export function print(text: string): void {
  if (!stdoutOpen || writeAll(1, text)) return;
  stdoutOpen = false;
  for (const listener of listeners) listener();
}

/** Writes talk to stderr; a closed stderr is ignored. */
export function printError(text: string): void {
  writeAll(2, text);
}

/** Calls the listener once when stdout's reader has gone; returns the way to unsubscribe. */
export function onStdoutClosed(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** True when text for this stream may carry colour: a terminal, and NO_COLOR unset or empty. */
export function mayColour(stream: "stdout" | "stderr"): boolean {
  if (process.env.NO_COLOR) return false;
  if (process.env.FORCE_COLOR && process.env.FORCE_COLOR !== "0") return true;
  return process[stream].isTTY === true && process.env.TERM !== "dumb";
}

/** False when the reader has gone. */
function writeAll(fd: number, text: string): boolean {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE" || code === "EBADF") return false;
      if (code !== "EAGAIN") throw cannotWrite(fd, error as Error, code);
      Bun.sleepSync(1); // a pipe somebody made non-blocking is full
    }
  }
  return true;
}

function cannotWrite(fd: number, cause: Error, code = "unknown"): KomonError {
  const what = `cannot write to ${fd === 1 ? "stdout" : "stderr"}`;
  return new KomonError({ what, why: code, cause, exit: Exit.incomplete });
}
