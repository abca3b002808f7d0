import { describe, expect, test } from "bun:test";
import { charts } from "../../../src/report/charts.ts";
import { readReport } from "../../../src/report/report.ts";
import { errorTable, reportTable } from "../../../src/report/tables.ts";
import { freshFolders } from "../results/folder.ts";
import { makeRun } from "./folders.ts";

const fresh = freshFolders();
const keysOf = (paths: readonly string[]) =>
  errorTable(readReport(paths).combinations).columns.map(({ key }) => key);

describe("combinations of one rate, delay and law", () => {
  test("nothing more is said where these say it all", () => {
    const out = fresh();
    makeRun(out);
    makeRun(out, { params: { pps: 2000, sizeBytes: 64, intervals: 20 } });
    expect(keysOf([out]).slice(0, 4)).toEqual(["pps", "delay", "law", "n"]);
  });

  test("tables say what else tells them apart", () => {
    const out = fresh();
    makeRun(out);
    makeRun(out, { params: { sizeBytes: 1400 } });
    expect(keysOf([out]).slice(0, 5)).toEqual(["pps", "delay", "law", "size", "n"]);
    makeRun(out, { params: { intervals: 20, sleepNs: 20_000_000 } });
    const { columns, rows } = errorTable(readReport([out]).combinations);
    expect(columns.map(({ key }) => key).slice(3, 6)).toEqual(["size", "sampled", "sleep"]);
    const cells = rows.map(({ size, sampled, sleep }) => [size, sampled, sleep].join(", "));
    expect(cells.toSorted()).toEqual([
      "128 B, 20×100, 0.02 s",
      "128 B, 40×100, 0.1 s",
      "1400 B, 40×100, 0.1 s",
    ]);
  });

  test("formats for machines have it always", () => {
    const out = fresh();
    makeRun(out);
    expect(reportTable(readReport([out]).combinations).rows).toMatchObject([
      { size_bytes: 128, intervals: 40, packets: 100, sleep_ns: 100_000_000 },
    ]);
  });

  test("charts name the folder, too; no two rows have the same name", () => {
    const [one, other] = [fresh(), fresh()];
    makeRun(one);
    makeRun(other);
    makeRun(other, { params: { sizeBytes: 1400 } });
    const report = readReport([one, other]);
    for (const name of ["ecdf", "error", "budget"] as const) {
      const text = charts(report, name).join("");
      const details = [...text.matchAll(/class="detail">([^<]*)</g)].map(([, detail]) => detail);
      expect(new Set(details).size).toBe(3);
      expect(details).toContainEqual(expect.stringContaining(" · 1400 B"));
    }
  });

  test("one rate is no load to draw times over", () => {
    const out = fresh();
    makeRun(out);
    makeRun(out, { params: { intervals: 20 } });
    expect(charts(readReport([out]), "load")).toEqual([]);
    makeRun(out, { params: { pps: 2000 } });
    expect(charts(readReport([out]), "load")).toHaveLength(1);
  });
});
