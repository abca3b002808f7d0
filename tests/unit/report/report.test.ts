import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CombinationReport } from "../../../src/report/combination.ts";
import { readReport } from "../../../src/report/report.ts";
import { reportColumns, reportTable } from "../../../src/report/tables.ts";
import { reportNotes, reportText } from "../../../src/report/text.ts";
import { resultName } from "../../../src/results/names.ts";
import { csv } from "../../../src/sinks/csv.ts";
import { table } from "../../../src/sinks/table.ts";
import { errorSummary } from "../../../src/stats/error.ts";
import { summary } from "../../../src/stats/summary.ts";
import { komon2019, testFolder } from "../results/folder.ts";
import { makeOld, makeRun, params } from "./folders.ts";

const folder = testFolder();
let folders = 0;
function fresh(): string {
  const path = join(folder, `set${folders++}`);
  mkdirSync(path);
  return path;
}

describe("KOMon's logs of 2019", () => {
  const { combinations, problems } = readReport([komon2019]);

  /** The figures in the order and rounding of the published analysis. */
  function figures(
    pps: number,
    delayUs: number,
    law: number,
    intervals: number,
  ): (string | number)[] {
    const found = combinations.filter(({ params }) => {
      const { delayNs } = params;
      return (
        params.pps === pps &&
        delayNs === delayUs * 1000 &&
        params.law === law &&
        params.intervals === intervals
      );
    });
    expect(found).toHaveLength(1);
    return figuresOf(found[0]);
  }

  test("loads, to the last digit of the published analysis", () => {
    expect(figures(1000, 0, 0, 100)).toEqual([
      1000,
      "4982.7",
      "561.0",
      4911,
      5976,
      "5153.1",
      "671.1",
      5073,
      6828,
      "170.4",
      "0.1710",
      "636.2",
      2022,
    ]);
    expect(figures(20_000, 0, 0, 100)).toEqual([
      1000,
      "5226.9",
      "1005.1",
      5211,
      9768,
      "4683.9",
      "865.6",
      4710,
      9543,
      "-543.0",
      "0.5100",
      "788.3",
      5523,
    ]);
    expect(figures(100_000, 0, 0, 100)).toEqual([
      1000,
      "5150.7",
      "2724.9",
      4113,
      15_144,
      "12193.3",
      "6422.5",
      11_019,
      30_999,
      "7042.6",
      "0.5660",
      "7740.3",
      27_441,
    ]);
  });

  test("delays, repetitions together, as computed by other means", () => {
    expect(figures(1000, 0, 0, 1000)).toEqual([
      20_000,
      "77.3",
      "16.4",
      75,
      123,
      "5313.5",
      "1012.8",
      5172,
      7653,
      "5236.2",
      "1.0000",
      "5236.2",
      7584,
    ]);
    expect(figures(1000, 25, 1, 1000)).toEqual([
      10_000,
      "26536.1",
      "27769.5",
      18_105,
      119_100,
      "30685.5",
      "25409.8",
      23_112,
      122_703,
      "4149.4",
      "0.1963",
      "26150.2",
      120_345,
    ]);
  });

  test("without an error per packet, because the rows are not the same packets", () => {
    expect(problems).toEqual([]);
    for (const { error, samePackets, params, comparison } of combinations) {
      expect([error, samePackets]).toEqual([undefined, false]);
      expect(comparison?.bias.low).toBeLessThan(comparison?.bias.value ?? 0);
      expect(params.sizeBytes).toBe(128);
    }
    const notes = reportNotes({ paths: [], combinations, problems });
    expect(notes[0]).toContain("not known to be the same packets");
    expect(notes).toContainEqual(expect.stringContaining("VNF_ skips 1 interval numbers"));
  });

  test("queue at the start of the intervals", () => {
    const buffer = combinations.find(({ params }) => params.pps === 100_000)?.buffer;
    expect(buffer).toEqual({
      ...{ intervals: 100, filled: 51, mean_bytes: 2042.88 },
      ...{ p50_bytes: 768, p90_bytes: 3072, max_bytes: 64_512 },
    });
  });
});

function figuresOf({ quantities, comparison }: CombinationReport): (string | number)[] {
  const [truth, sojourn] = [quantities.truth?.summary, quantities.sojourn?.summary];
  if (!truth || !sojourn || !comparison) throw new Error("no comparison");
  return [
    comparison.pairs,
    ...[truth, sojourn].flatMap(({ mean_ns, sd_ns, p50_ns, p99_ns }) => {
      return [mean_ns.toFixed(1), sd_ns.toFixed(1), p50_ns, p99_ns];
    }),
    ...[comparison.bias.value.toFixed(1), comparison.ks.distance.toFixed(4)],
    ...[comparison.pair_mae_ns.toFixed(1), comparison.pair_p99_ns],
  ];
}

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
