/** Talk for humans: always on stderr, plain lines, repeated ones never merged, never results. */
import { formatWithOptions } from "node:util";
import { type ConsolaInstance, createConsola, LogLevels, type LogObject } from "consola/core";
import { mayColour, printError } from "./output.ts";
import { printable } from "./printable.ts";

const yellow = 33;
const red = 31;
const grey = 90;
const labels: Readonly<Record<string, readonly [label: string, colour: number]>> = {
  fatal: ["error: ", red],
  error: ["error: ", red],
  fail: ["failed: ", red],
  warn: ["warning: ", yellow],
  debug: ["debug: ", grey],
  trace: ["trace: ", grey],
  verbose: ["debug: ", grey],
};

export const log: ConsolaInstance = createConsola({
  level: LogLevels.info,
  throttle: 0,
  reporters: [{ log: (entry) => printError(`${lineOf(entry)}\n`) }],
});

export type Talk = "quiet" | "normal" | "verbose";

/** quiet: warnings and errors only; verbose: details too. */
export function setTalk(talk: Talk): void {
  log.level =
    talk === "quiet" ? LogLevels.warn : talk === "verbose" ? LogLevels.debug : LogLevels.info;
}

function lineOf({ type, args }: LogObject): string {
  const colour = mayColour("stderr");
  const safe = args.map((arg) => (typeof arg === "string" ? printable(arg, "\n\t") : arg));
  const text = formatWithOptions({ colors: colour }, ...safe);
  const [label, code] = labels[type] ?? ["", 0];
  return (label && colour ? `\x1b[${code}m${label}\x1b[0m` : label) + text;
}
