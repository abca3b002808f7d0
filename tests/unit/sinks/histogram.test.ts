import { expect, test } from "bun:test";
import fc from "fast-check";
import { bar, sparkline } from "../../../src/sinks/bars.ts";
import { histogram } from "../../../src/sinks/histogram.ts";
import { Histogram } from "../../../src/stats/histogram.ts";

function of(...values: number[]): Histogram {
  const filled = new Histogram();
  filled.addAll(values);
  return filled;
}

test("known values", () => {
  expect(histogram(of(10, 10, 10, 10, 11, 12), { width: 40 })).toBe(
    [
      "10 ns … 11 ns │████████████│ 4  66.67 %",
      "11 ns … 12 ns │███         │ 1  16.67 %",
      "12 ns … 13 ns │███         │ 1  16.67 %",
      "",
    ].join("\n"),
  );
  expect(histogram(of())).toBe("(no values)\n");
});

test("the far tails share a row at either end", () => {
  const wide = of(...Array<number>(10_000).fill(1000), 1, 1e9);
  const lines = histogram(wide).trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^ +below 992 ns │▏ +│ +1 +0.01 %$/);
  expect(lines[2]).toMatch(/and more │▏ +│ +1 +0.01 %$/);
});

test("of any values: at most 16 rows below 80 columns that together count all", () => {
  const value = fc.oneof(fc.nat(100), fc.nat(1_000_000), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
      const lines = histogram(of(...values))
        .trimEnd()
        .split("\n");
      expect(lines.length).toBeLessThanOrEqual(16);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(80);
      const counts = lines.map((line) =>
        Number(/│ +([\d,]+) /.exec(line)?.[1]?.replaceAll(",", "")),
      );
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
    }),
  );
});

test("bars and sparklines", () => {
  expect(bar(0, 10)).toBe("");
  expect(bar(1e-9, 10)).toBe("▏");
  expect(bar(0.5, 4)).toBe("██");
  expect(bar(7, 4)).toBe("████");
  expect(sparkline([0, 7, Number.NaN, 3.5])).toBe("▁█ ▅");
  expect(sparkline([])).toBe("");
  expect(sparkline([0, 0])).toBe("▁▁");
});
