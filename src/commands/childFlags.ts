/** --vnf-args and --load-args: read as the child will read them, so that a slip is told before anything is built. */
import { KomonError, usageError } from "../base/errors.ts";
import type { OptionColumn } from "../sweep/columns.ts";
import type { SweepRun } from "../sweep/runs.ts";
import { loadFlagsIn, readLoadFlags } from "./load.ts";
import { flagName } from "./parse.ts";
import { readVnfFlags, vnfFlagsIn } from "./vnf.ts";

/** Columns that are flags of `komon vnf` and of `komon load`; with `yes` for those without a value. */
export const vnfColumns: readonly OptionColumn[] = [
  ...(["workers", "shared_socket", "buffer", "drop", "reorder", "duplicate"] as const),
];
export const loadColumns: readonly OptionColumn[] = ["arrivals", "burst", "flows", "identical"];

/** Words that say where one is told already, by key of the flag. */
type Said = Readonly<Record<string, string>>;

const ownDelay = "DELAY (in a sweep, the column delay)";
const testbed = "komon's own testbed, which chooses it";
const saidOfVnf: Said = {
  delay: ownDelay,
  flood: ownDelay,
  law: "LAW (in a sweep, the column law)",
  seed: "--seed",
  port: "--port",
  wait: "--wait",
  address: testbed,
  target: testbed,
  echo: testbed,
  netns: testbed,
  truth: "komon, which reads it",
};
const saidOfLoad: Said = {
  pps: "PPS (in a sweep, the column pps)",
  size: "SIZE (in a sweep, the column size)",
  seed: "--seed",
  netns: testbed,
  format: "komon, which reads it",
};

/** As the testbed gives it: what needs a target has one. */
const someTarget = "--target=127.0.0.1:1";
const someAddress = "[::1]:1";

/** Words for `komon vnf`. `cpu`: what `--cpu` says beside it. */
export function vnfWords(text = "", cpu?: number): string[] {
  const said = cpu === undefined ? saidOfVnf : { ...saidOfVnf, cpu: "--cpu" };
  return checked("--vnf-args", text, (words) => {
    refuseSaid(vnfFlagsIn(words), said);
    readVnfFlags([someTarget, ...words]);
  });
}

/** Words for `komon load`, without its target. */
export function loadWords(text = ""): string[] {
  return checked("--load-args", text, (words) => {
    refuseSaid(loadFlagsIn([someAddress, ...words]), saidOfLoad);
    readLoadFlags([someAddress, ...words]);
  });
}

/** *Fails when* a column of a sweep and a flag for the child say the same. */
export function refuseColumnsTwice(
  runs: readonly SweepRun[],
  { vnfArgs, loadArgs }: { vnfArgs: readonly string[]; loadArgs: readonly string[] },
): void {
  const vnfSays = vnfFlagsIn(vnfArgs);
  const loadSays = loadFlagsIn([someAddress, ...loadArgs]);
  const twice = (column: OptionColumn) => {
    const is = (key: string) => flagName(key).replace("-", "_") === column;
    if ((column === "cpu" || vnfColumns.includes(column)) && vnfSays.some(is)) return "--vnf-args";
    return loadColumns.includes(column) && loadSays.some(is) ? "--load-args" : undefined;
  };
  for (const { file, line, options } of runs) {
    for (const column of Object.keys(options)) {
      const flag = twice(column as OptionColumn);
      if (flag === undefined) continue;
      throw usageError(
        `${flag} and the column ${column} of ${file}:${line} say the same`,
        "leave it to one of them",
      );
    }
  }
}

/** A result is named, reported and corrected by what its run was told; it must not have been measured otherwise. */
function refuseSaid(given: readonly string[], said: Said): void {
  const key = given.find((key) => key in said);
  if (key === undefined) return;
  throw usageError(
    `--${flagName(key)} cannot be given here`,
    "leave it out",
    `this is said by ${said[key]}: names, parameters and calibration of the result go by that`,
  );
}

function checked(flag: string, text: string, read: (words: string[]) => void): string[] {
  const words = split(text);
  try {
    read(words);
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    throw usageError(`${flag}: ${error.what}`, error.mend, error.why);
  }
  return words;
}

/** At blanks; quotes keep words together. */
function split(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]);
}
