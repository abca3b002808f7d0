/** The hosts of a call: its words, a file, stdin. */
import { readFileSync } from "node:fs";
import { KomonError, usageError } from "../../base/errors.ts";
import { parseDurationNs } from "../../base/units.ts";
import { parseHostList } from "../../probing/hosts.ts";

/** `-f FILE`, `-f -`, and `-` among the hosts read a list. */
export function targetsOf(words: readonly string[], file: string | undefined): string[] {
  const listed = words.flatMap((word) => (word === "-" ? readList("-") : [word]));
  const all = [...listed, ...(file === undefined ? [] : readList(file))];
  if (all.length === 0) {
    throw usageError("there is no host to probe", "name one: komon probe --icmp 10.0.0.2");
  }
  return all;
}

function readList(file: string): string[] {
  try {
    return parseHostList(readFileSync(file === "-" ? 0 : file, "utf8"));
  } catch (error) {
    throw new KomonError({
      what: `cannot read the list of hosts from ${file === "-" ? "stdin" : file}`,
      why: (error as NodeJS.ErrnoException).code ?? String(error),
      exit: 2,
    });
  }
}

/** A time with its unit, or as fping takes it: a bare number of milliseconds. */
export function fpingTime(text: string, name: string, leastNs: number): number {
  const ns = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1e6) : parseDurationNs(text);
  if (ns >= leastNs) return ns;
  throw usageError(
    `${name} ${text} is too short`,
    name === "--interval" ? "without a pause between probes, add --flood" : "the least is 1 µs",
  );
}
