#!/usr/bin/env bun
/**
 * The kernel matrix: every check on every kernel, one line each; exit code 1 if one failed.
 *   bun tests/kernels/matrix.ts [--kernels 6.1,6.12] [--rungs kprobe] [--only run,doctor] [--jobs 2]
 *   bun tests/kernels/matrix.ts --write      renews the table in docs/kernels.md, as far as was asked
 *   bun tests/kernels/matrix.ts --everywhere each check on each kernel, those too that one kernel answers for all
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Exit, usageError } from "../../src/base/errors.ts";
import { komonBinary } from "./binary.ts";
import { type Check, isSince } from "./checks/check.ts";
import { checks } from "./checks/index.ts";
import { consoleStory } from "./console.ts";
import { endWith } from "./ending.ts";
import { guestError } from "./guest.ts";
import { installMissing } from "./host.ts";
import { cpusOf, guardSeconds, inquire } from "./inquiry.ts";
import { type Kernel, kernelOf } from "./kernel.ts";
import { line, table, tableIn, withTable } from "./report.ts";
import { matrixSeries, type Series } from "./series.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

const document = join(import.meta.dir, "..", "..", "docs", "kernels.md");

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kernels: { type: "string", default: matrixSeries.join(",") },
      rungs: { type: "string" },
      only: { type: "string" },
      jobs: { type: "string", default: "2" },
      write: { type: "boolean", default: false },
      everywhere: { type: "boolean", default: false },
    },
  });
  const jobs = Number(values.jobs);
  if (!(Number.isInteger(jobs) && jobs > 0)) throw usageError(`--jobs ${values.jobs}`, "1 or more");
  const series = values.kernels.split(",");
  const chosen = checksOf(values.rungs?.split(","), values.only?.split(","));
  const asked = values.everywhere ? chosen.map((check) => ({ ...check, kernels: series })) : chosen;
  if (!asked.some((check) => series.some((each) => isAskedOf(check, each)))) {
    throw usageError(
      "none of these checks is asked of these kernels",
      "--everywhere asks each of each",
    );
  }
  const started = performance.now();
  await installMissing();
  const kernels = await distinctKernels(series);

  const all: Verdict[] = [];
  const queue = kernels.flatMap((kernel) => guestsOf(kernel, asked)).sort(longestFirst);
  const worker = async () => {
    for (let guest = queue.shift(); guest; guest = queue.shift()) {
      all.push(...(await verdictsOf(guest.kernel, guest.checks)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));

  if (values.write) {
    const text = await Bun.file(document).text();
    const rows = checks.map(({ name }) => name);
    await Bun.write(document, withTable(text, table(all, rows, tableIn(text))));
  }
  const bad = all.filter(({ outcome }) => outcome === "failed" || outcome === "not run");
  const seconds = Math.round((performance.now() - started) / 1000);
  const right = `${all.length - bad.length} of ${all.length} right on ${kernels.length} kernels`;
  console.error(`${right}, in ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
  return bad.length > 0 ? Exit.incomplete : Exit.done;
}

/** Those with one of the rungs, or none; and of these those with one of the words in the name. */
function checksOf(rungs: readonly string[] | undefined, words: readonly string[] | undefined) {
  const known = new Set(checks.flatMap(({ rung }) => rung ?? []));
  const unknown = rungs?.find((rung) => !known.has(rung));
  if (unknown) throw usageError(`there is no rung ${unknown}`, `one of ${[...known].join(", ")}`);
  const chosen = checks
    .filter(({ rung }) => !rung || !rungs || rungs.includes(rung))
    .filter(({ name }) => !words || words.some((word) => name.includes(word)));
  if (chosen.length === 0) throw usageError(`no check is named ${words?.join(" or ")}`);
  return chosen;
}

/** One after the other: downloads share the network, and two series may mean the same kernel. */
async function distinctKernels(series: readonly Series[]): Promise<Kernel[]> {
  const kernels: Kernel[] = [];
  for (const each of series) {
    const kernel = await kernelOf(each);
    const twin = kernels.find(({ release }) => release === kernel.release);
    if (twin) console.error(`${each} is ${twin.series} today: ${kernel.release}`);
    else kernels.push(kernel);
  }
  return kernels;
}

interface Guest {
  readonly kernel: Kernel;
  readonly checks: readonly Check[];
}

/** At most so many checks are put to one guest: a boot costs ten seconds, and no core waits long for the last one. */
const checksPerGuest = 12;

function guestsOf(kernel: Kernel, checks: readonly Check[]): Guest[] {
  const asked = checks.filter(
    (check) =>
      isAskedOf(check, kernel.series) && (!check.from || isSince(kernel.version, check.from)),
  );
  const alike = Map.groupBy(asked, cpusOf).values();
  return [...alike].flatMap((group) => {
    const guests = Math.ceil(group.length / checksPerGuest);
    const share = Math.ceil(group.length / guests);
    return Array.from({ length: guests }, (_, at) => ({
      kernel,
      checks: group.slice(at * share, (at + 1) * share),
    }));
  });
}

/** By the time that their checks may take: at the end no core waits long for the other. */
function longestFirst(a: Guest, b: Guest): number {
  return guardSeconds(b.checks) - guardSeconds(a.checks);
}

/** Prints each verdict when it is there. */
async function verdictsOf(kernel: Kernel, asked: readonly Check[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const add = (verdict: Verdict): void => {
    verdicts.push(verdict);
    console.log(line(verdict));
  };
  const [impossible, possible] = [asked.filter(lacksKomon), asked.filter((c) => !lacksKomon(c))];
  for (const { name } of impossible) {
    add({ check: name, kernel, outcome: "not run", text: `${komonBinary} is not built` });
  }
  const guest = await inquire(kernel, possible, (check, evidence) => {
    add(verdictOf(check, kernel, evidence));
  });
  for (const module of consoleStory(guest.console).missing) {
    add({ check: "modules", kernel, outcome: "failed", text: `${module} cannot be loaded` });
  }
  if (guest.exit === undefined) console.error(guestError(guest).message);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const [boot, all] = [seconds(guest.bootMs ?? 0), seconds(guest.wallMs)];
  console.error(`${guest.release}: booted in ${boot}, all in ${all}`);
  return verdicts;
}

function isAskedOf({ kernels }: Check, series: Series): boolean {
  return kernels?.includes(series) ?? true;
}

function lacksKomon(check: Check): boolean {
  return check.komon && !existsSync(komonBinary);
}

await endWith(main);
