import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { againstTable, compareReports, differenceTable } from "../../../src/report/against.ts";
import { readReport } from "../../../src/report/report.ts";
import { againstText } from "../../../src/report/text.ts";
import { table } from "../../../src/sinks/table.ts";
import { komon2019, testFolder } from "../results/folder.ts";
import { type Making, makeOld, makeRun } from "./folders.ts";

const folder = testFolder();
let folders = 0;
function made(...runs: Making[]): string {
  const path = join(folder, `set${folders++}`);
  mkdirSync(path);
  for (const run of runs) makeRun(path, run);
  return path;
}
const compare = (a: string, b: string) => compareReports(readReport([a]), readReport([b]));

describe("two reports", () => {
  test("of the same law: no difference beyond the noise", () => {
    const comparison = compare(made({ seed: 1 }), made({ seed: 2 }));
    expect(comparison.differences.length).toBe(12);
    const random = comparison.differences.filter(({ quantity }) => quantity !== "egress");
    expect(random.filter(({ differs }) => differs)).toEqual([]);
    expect(comparison.differences[0].unit).toBe("batches");
    expect(againstText(comparison, table)).toStartWith(
      "0 of 12 figures differ beyond the noise.\nThe noise is",
    );
  });

  test("of a slower VNF: service and what contains it differ, the queue does not", () => {
    const comparison = compare(made({ seed: 1, slower: 1.2 }), made({ seed: 2 }));
    const differing = comparison.differences.filter(({ differs }) => differs);
    expect(differing.map(({ quantity, statistic }) => `${quantity} ${statistic}`)).toEqual(
      expect.arrayContaining(["truth p50", "service p50", "sojourn p50", "total p50"]),
    );
    expect(differing.map(({ quantity }) => quantity)).not.toContain("queue");
    const service = differing.find(({ quantity }) => quantity === "service");
    expect(service?.differenceNs).toBe((service?.aNs ?? 0) - (service?.bNs ?? 0));
    expect(service?.lowNs).toBeGreaterThan(0);
    for (const line of table(differenceTable(comparison)).split("\n")) {
      expect(Bun.stringWidth(line)).toBeLessThan(80);
    }
    expect(againstTable(comparison).rows).toHaveLength(12);
  });

  test("with five repetitions on both sides, those are the unit", () => {
    const reps = [1, 2, 3, 4, 5].map((rep) => ({ params: { rep, intervals: 5 } }));
    const comparison = compare(
      made(...reps.map((rep) => ({ ...rep, seed: rep.params.rep }))),
      made(...reps.map((rep) => ({ ...rep, seed: 10 + rep.params.rep, slower: 1.5 }))),
    );
    expect(new Set(comparison.differences.map(({ unit }) => unit))).toEqual(
      new Set(["repetitions"]),
    );
    const service = comparison.differences.find(({ quantity }) => quantity === "service");
    expect(service?.differs).toBe(true);
    expect(againstText(comparison, table)).not.toContain("The noise is");
  });

  test("sampling and naming scheme need not be the same; what has no counterpart is counted", () => {
    const old = join(folder, "old");
    mkdirSync(old);
    makeOld(old, "loads");
    const own = made({ params: { law: 0, intervals: 10, sleepNs: 5 } }, { params: { law: 2 } });
    const comparison = compare(own, old);
    expect(comparison.onlyA.map(({ params }) => params.law)).toEqual([2]);
    expect(comparison.differences.map(({ quantity }) => quantity)).toEqual(
      expect.arrayContaining(["truth", "sojourn"]),
    );
    const nothing = compare(own, komon2019);
    expect(againstText(nothing, table)).toContain("Nothing to compare");
  });
});
