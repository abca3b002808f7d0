import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  againstChartNames,
  againstCharts,
  againstSvg,
} from "../../../src/report/against/charts.ts";
import { compareReports } from "../../../src/report/against/compare.ts";
import { againstHtml } from "../../../src/report/against/html.ts";
import {
  againstTable,
  coverageTable,
  differenceTable,
} from "../../../src/report/against/tables.ts";
import { againstText } from "../../../src/report/against/text.ts";
import { readReport } from "../../../src/report/report.ts";
import { table } from "../../../src/sinks/table.ts";
import { komon2019, testFolder } from "../results/folder.ts";
import { type Making, makeOld, makeRun } from "./folders.ts";
import { tags } from "./markup.ts";

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
    expect(comparison.differences.length).toBe(14);
    const random = comparison.differences.filter(({ quantity }) => quantity !== "egress");
    expect(random.filter(({ differs }) => differs)).toEqual([]);
    expect(comparison.differences[0].unit).toBe("batches");
    expect(againstText(comparison, table)).toStartWith(
      "0 of 14 figures differ beyond the noise.\nThe noise is",
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
    expect(againstTable(comparison).rows).toHaveLength(14);
    const row = againstTable(comparison).rows.find((one) => one.time === "service");
    expect(row).toMatchObject({ a_reps: 1, b_reps: 1, a_lost: 0 });
    expect(row?.a_coverage).toBeCloseTo(4000 / 4010, 12);
    expect(row?.ks).toBeGreaterThan(0.05);
  });

  test("of a longer offset: the error differs, and not where each calibration takes its own off", () => {
    const comparison = compare(
      made({ seed: 1, edgeNs: 900, offsetNs: 950 }),
      made({ seed: 2, edgeNs: 700, offsetNs: 750 }),
    );
    const figure = (quantity: string) =>
      comparison.differences.find((one) => one.quantity === quantity && one.statistic === "p50");
    expect(figure("error")).toMatchObject({ differs: true });
    expect(figure("error")?.differenceNs).toBeWithin(190, 211);
    expect(figure("corrected")).toMatchObject({ differs: false });
    expect(Math.abs(figure("corrected")?.differenceNs ?? Number.NaN)).toBeLessThan(11);
  });

  test("coverage stands beside the figures where it is not the same", () => {
    const comparison = compare(made({ seed: 1, expired: 1000 }), made({ seed: 2 }));
    expect(coverageTable(comparison.pairs).rows).toMatchObject([
      { a_seen: 5000, b_seen: 4010, a_coverage: 0.8 },
    ]);
    const text = againstText(comparison, table);
    expect(text).toContain("matched A");
    expect(text).toMatch(/80\.0 %\s+99\.8 %/);
    for (const line of text.split("\n").slice(0, 4)) {
      expect(Bun.stringWidth(line)).toBeLessThan(80);
    }
    const alike = compare(made({ seed: 1 }), made({ seed: 2 }));
    expect(againstText(alike, table)).not.toContain("matched A");
  });

  test("as a page and as charts: well-formed, both sides in them", () => {
    const both = (slower: number) => made({ seed: 1, slower }, { params: { pps: 10_000 } });
    const [a, b] = [readReport([both(1.3)]), readReport([both(1)])];
    const comparison = compareReports(a, b);
    const html = againstHtml(a, b, comparison);
    tags(html);
    for (const text of ["What differs", "Differences", "Error per packet", "Stage budget"]) {
      expect(html).toContain(`<h2>${text}</h2>`);
    }
    for (const text of ["Medians over the load", "Distributions", "Coverage", "All figures"]) {
      expect(html).toContain(`<h2>${text}</h2>`);
    }
    expect(html).toContain("Manifest of 4 runs");
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(againstHtml(a, b, compareReports(a, b))).toBe(html);
    for (const name of againstChartNames) {
      const svg = againstSvg(comparison, name);
      expect(tags(svg)[0]).toStartWith("svg xmlns=");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
    const [medians] = againstCharts(comparison, "difference");
    const marks = medians.match(/class="mark service differs"/g) ?? [];
    expect(marks).toHaveLength(1);
    expect(() => againstSvg({ ...comparison, pairs: [] }, "ecdf")).toThrow("nothing to draw");
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
