import { btfCheck } from "./btf.ts";
import { type Check, same } from "./check.ts";
import { hooksCheck } from "./hooks.ts";
import { programsCheck } from "./programs.ts";
import { rungChecks } from "./rungs.ts";
import { suffersChecks } from "./suffers.ts";
import { suiteChecks } from "./suite.ts";

const version: Check = {
  name: "komon --version",
  komon: true,
  script: "komon --version",
  expected: () => "works",
  judge({ exit, stdout }) {
    same("the exit code", exit, 0);
    return stdout.split("\n")[0];
  },
};

const doctor: Check = {
  name: "komon doctor",
  komon: true,
  script: "komon doctor --format json",
  expected: () => "works",
  judge({ exit, stdout }) {
    same("the exit code", exit, 0);
    JSON.parse(stdout);
    return "can run";
  },
};

/** Every question the matrix asks, in the order of the table. */
export const checks: readonly Check[] = [
  hooksCheck,
  version,
  programsCheck,
  doctor,
  ...rungChecks,
  btfCheck,
  ...suffersChecks,
  ...suiteChecks,
];
