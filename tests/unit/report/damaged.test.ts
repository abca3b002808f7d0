/** Folders in which something is missing, malformed, old or foreign. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readReport } from "../../../src/report/report.ts";
import { reportNotes } from "../../../src/report/text.ts";
import { resultName } from "../../../src/results/names.ts";
import { freshFolders } from "../results/folder.ts";
import { makeOld, makeRun, params } from "./folders.ts";

const fresh = freshFolders();

describe("results that are not whole", () => {
  const kernel = resultName("KERNEL", params);
  const problemsOf = (out: string) =>
    readReport([out]).problems.map(
      ({ file, line, what }) => `${file.slice(out.length + 1)}:${line}: ${what}`,
    );

  test("malformed rows are named, and the rest is reported", () => {
    const out = fresh();
    makeRun(out);
    const row = "1000;128;0.1;20;5000";
    writeFileSync(join(out, kernel), `1;1;1;${row}\n2;1;2;oops\n3;1;3;${row}\n4;1;4;1000;12`);
    const { combinations, problems } = readReport([out]);
    expect(problems.map(({ line }) => line)).toEqual([2, 4]);
    expect(combinations[0].quantities.sojourn?.summary.count).toBe(2);
    expect(combinations[0].comparison?.pairs).toBe(2);
    expect(combinations[0].quantities.service?.summary.count).toBe(4000);
    expect(combinations[0].notes[0]).toContain("4000 rows in VNF_, 2 in KERNEL_");
  });

  test("missing and empty files", () => {
    const out = fresh();
    makeRun(out);
    rmSync(join(out, resultName("SPANS", params)));
    rmSync(join(out, resultName("BUFFER", params)));
    rmSync(join(out, resultName("RUN", params)));
    writeFileSync(join(out, resultName("VNF", params)), "");
    const { combinations, problems } = readReport([out]);
    expect(problems).toMatchObject([{ line: 0, what: "no rows" }]);
    expect(combinations[0].comparison).toBeUndefined();
    expect(combinations[0].quantities.sojourn?.summary.count).toBe(4000);
    expect(Object.keys(combinations[0].quantities)).toEqual(["sojourn"]);
    expect(combinations[0].coverage).toBeUndefined();
  });

  test("a RUN_ file that is none, a log with another name, another tool's file", () => {
    const out = fresh();
    makeRun(out);
    writeFileSync(join(out, resultName("RUN", params)), "{");
    writeFileSync(join(out, "trace.log"), "hello\n");
    writeFileSync(
      join(out, resultName("KERNEL", { ...params, rep: 2 })),
      "hello world\n".repeat(500),
    );
    const problems = problemsOf(out);
    expect(problems).toContainEqual(expect.stringContaining("no JSON"));
    expect(problems).toContain("trace.log:0: its name is none of a result file");
    expect(problems).toContainEqual(expect.stringContaining("the rest of the file is not read"));
    expect(readReport([out]).combinations[0].notes).toContain("repetition 2 has no VNF_ rows");
  });

  test("2018's µs are turned into ns and named", () => {
    const out = fresh();
    makeOld(out, "2018");
    const report = readReport([out]);
    const { quantities } = report.combinations[0];
    expect(quantities.truth?.summary.min_ns).toBe(21_250);
    expect(quantities.sojourn?.summary.min_ns).toBe(31_000);
    expect(reportNotes(report)).toContainEqual(expect.stringContaining("logs of 2018"));
  });

  test("folders below folders, a file for its run, paths without results", () => {
    const out = fresh();
    makeRun(join(out, "b"));
    makeRun(join(out, "a"), { params: { rep: 2 } });
    mkdirSync(join(out, "empty"));
    const below = readReport([out]).combinations.map((one) => one.below);
    expect(below).toEqual(["a", "b"]);
    const one = readReport([join(out, "b", kernel)]).combinations[0];
    expect(one.samePackets).toBe(true);
    const both = readReport([join(out, "empty"), join(out, "b")]);
    expect(both.problems).toMatchObject([{ what: "no result files here" }]);
    expect(() => readReport([join(out, "empty")])).toThrow("no result files in");
    expect(() => readReport([join(out, "none")])).toThrow("ENOENT");
  });
});
