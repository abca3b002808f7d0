/** The analysis that KOMon's authors published, from their own logs. */
import { describe, expect, test } from "bun:test";
import type { CombinationReport } from "../../../src/report/combination.ts";
import { readReport } from "../../../src/report/report.ts";
import { reportNotes } from "../../../src/report/text.ts";
import { komon2019 } from "../results/folder.ts";

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
