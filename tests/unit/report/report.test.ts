import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readReport } from "../../../src/report/report.ts";
import { reportColumns, reportTable } from "../../../src/report/tables.ts";
import { reportText } from "../../../src/report/text.ts";
import { resultName } from "../../../src/results/names.ts";
import { csv } from "../../../src/sinks/csv.ts";
import { table } from "../../../src/sinks/table.ts";
import { errorSummary } from "../../../src/stats/error.ts";
import { summary } from "../../../src/stats/summary.ts";
import { freshFolders, komon2019 } from "../results/folder.ts";
import { makeRun, params } from "./folders.ts";

const fresh = freshFolders();

describe("komon's own runs", () => {
  test("spans, errors of the same packets, coverage: all repetitions together", () => {
    const out = fresh();
    const made = [1, 2].map((rep) => makeRun(out, { params: { rep } }));
    const { combinations, problems } = readReport([out]);
    expect(problems).toEqual([]);
    expect(combinations).toHaveLength(1);
    const [one] = combinations;
    expect(one.reps).toEqual([1, 2]);
    const both = (name: "truthNs" | "serviceNs" | "queueNs") =>
      made.flatMap((run) => [...run[name]]);
    expect(one.quantities.truth?.summary).toEqual(summary(both("truthNs")));
    expect(one.quantities.service?.summary).toEqual(summary(both("serviceNs")));
    expect(one.quantities.queue?.summary).toEqual(summary(both("queueNs")));
    expect(one.quantities.egress?.summary).toMatchObject({ mean_ns: 900, sd_ns: 0 });
    const errors = made.flatMap(({ serviceNs, truthNs }) => [
      ...serviceNs.map((ns, at) => ns - truthNs[at]),
    ]);
    expect(one.samePackets).toBe(true);
    expect(one.error?.service?.summary).toEqual(errorSummary(errors));
    expect(one.error?.corrected).toBeUndefined();
    expect(one.comparison?.pairs).toBe(8000);
    expect(one.coverage).toMatchObject({ seen: 8020, matched: 8000, expired: 20 });
    expect(one.load).toMatchObject({ sent: 8000, sent_pps: 999 });
    expect(one.buffer).toMatchObject({ intervals: 80, filled: 40, mean_bytes: 384 });
    const { value, low, high } = one.quantities.service?.median ?? { value: 0, low: 0, high: 0 };
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  test("corrected: each run's own offset is taken off its packets, if all have one", () => {
    const out = fresh();
    const made = [700, 800].map((offsetNs, at) =>
      makeRun(out, { params: { rep: at + 1 }, offsetNs }),
    );
    const errors = made.flatMap(({ serviceNs, truthNs }, at) => [
      ...serviceNs.map((ns, packet) => ns - truthNs[packet] - [700, 800][at]),
    ]);
    const [one] = readReport([out]).combinations;
    expect(one.error?.corrected?.summary).toEqual(errorSummary(errors));
    expect(reportTable([one]).rows[0]).toMatchObject({ offset_ns: 750, offset_uncertainty_ns: 5 });
    makeRun(out, { params: { rep: 3 } });
    const [three] = readReport([out]).combinations;
    expect(three.error?.corrected).toBeUndefined();
    expect(three.error?.service?.summary.pairs).toBe(12_000);
    expect(three.notes).toContain("2 of 3 repetitions are calibrated: no corrected error");
  });

  test("intervals for the bias are narrower where the packets are the same", () => {
    const out = fresh();
    makeRun(out);
    const half = () => {
      const { bias } = readReport([out]).combinations[0].comparison ?? {
        bias: { low: 0, high: 0 },
      };
      return (bias.high - bias.low) / 2;
    };
    const paired = half();
    rmSync(join(out, resultName("SPANS", params)));
    expect(half()).toBeGreaterThan(5 * paired);
  });

  test("every figure is a column, and the tables stay below 80 columns", () => {
    const out = fresh();
    makeRun(out, { offsetNs: 700 });
    const report = readReport([out, komon2019]);
    const rows = reportTable(report.combinations);
    const keys = reportColumns.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const row of rows.rows) expect(keys).toEqual(expect.arrayContaining(Object.keys(row)));
    const own = rows.rows.find((row) => row.same_packets === true);
    expect(keys.filter((key) => own?.[key] === undefined)).toEqual([]);
    expect(csv(rows).split("\n")).toHaveLength(report.combinations.length + 2);
    const text = reportText(report, table);
    for (const line of text.split("\n")) {
      if (!line.startsWith("/")) expect(Bun.stringWidth(line) < 80 ? "" : line).toBe("");
    }
    expect(text).toContain("error: median of service - truth");
  });
});
