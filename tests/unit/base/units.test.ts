import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Exit, KomonError } from "../../../src/base/errors.ts";
import {
  counted,
  formatBytes,
  formatCount,
  formatNs,
  formatRate,
  parseBytes,
  parseDurationNs,
  parseInteger,
  parseNumber,
  parseRate,
} from "../../../src/base/units.ts";

const parsers = { parseDurationNs, parseRate, parseBytes, parseInteger, parseNumber };

test.each([
  ["10ns", 10],
  ["100us", 100_000],
  ["100µs", 100_000],
  ["1.1us", 1100],
  ["500ms", 500_000_000],
  ["2s", 2e9],
  ["0.3s", 300_000_000],
  ["5m", 300e9],
  ["1.5h", 5400e9],
  ["0", 0],
  ["0s", 0],
])("duration %s is %d ns", (text, ns) => {
  expect(parseDurationNs(text)).toBe(ns);
});

test.each([
  ["1000", 1000],
  ["2.5k", 2500],
  ["1M", 1e6],
  ["0.5", 0.5],
  ["1G", 1e9],
])("rate %s is %d/s", (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

test.each([
  ["128", 128],
  ["128B", 128],
  ["64k", 65536],
  ["64KiB", 65536],
  ["1.5MiB", 1_572_864],
  ["1kB", 1000],
  ["2GB", 2e9],
])("size %s is %d bytes", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  [parseDurationNs, "5xs", " ^^"],
  [parseDurationNs, "5", "^"],
  [parseDurationNs, "soon", "^^^^"],
  [parseDurationNs, "0.5ns", "^^^^^"],
  [parseRate, "10kpps", "  ^^^^"],
  [parseBytes, "1.5XiB", "   ^^^"],
])("%p shows where %s is wrong", (parse, text, mark) => {
  let told = "";
  try {
    parse(text);
  } catch (error) {
    told = (error as KomonError).what;
  }
  expect(told.split("\n").slice(1)).toEqual([`  ${text}`, `  ${mark}`]);
});

test.each([
  ["parseDurationNs", "5"],
  ["parseDurationNs", "5 s"],
  ["parseDurationNs", "s"],
  ["parseDurationNs", "-5s"],
  ["parseDurationNs", "5sec"],
  ["parseDurationNs", "0.5ns"],
  ["parseDurationNs", "1e3s"],
  ["parseDurationNs", "99999999h"],
  ["parseRate", "10K"],
  ["parseRate", "10m"],
  ["parseRate", "-1"],
  ["parseRate", "k"],
  ["parseBytes", "1.5"],
  ["parseBytes", "-1"],
  ["parseBytes", "1q"],
  ["parseInteger", "1.0"],
  ["parseInteger", "0x10"],
  ["parseInteger", "1e3"],
  ["parseInteger", "9007199254740993"],
  ["parseInteger", "+1"],
  ["parseNumber", "."],
  ["parseNumber", "1."],
  ["parseNumber", "Infinity"],
  ["parseNumber", "1e999"],
] as const)("%s refuses %j and shows it", (parser, text) => {
  const error = caught(() => parsers[parser](text));
  expect(error.exit).toBe(Exit.usage);
  expect(error.what).toStartWith(`${JSON.stringify(text)} is not `);
  expect(error.what).toContain("expected ");
});

test("whatever the text, a parser gives a finite number or a usage error", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^-?\d*\.?\d*(ns|us|ms|[smhkMG]|KiB|e\d)?$/),
  );
  fc.assert(
    fc.property(texts, fc.constantFrom(...Object.values(parsers)), (text, parse) => {
      try {
        expect(Number.isFinite(parse(text))).toBe(true);
      } catch (error) {
        expect((error as KomonError).exit).toBe(Exit.usage);
      }
    }),
  );
});

test("a duration written in whole nanoseconds comes back", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (ns) => {
      expect(parseDurationNs(`${ns}ns`)).toBe(ns);
    }),
  );
});

test("decimal fractions lose nothing to binary ones", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (us) => {
      const decimals = String(us % 1000).padStart(3, "0");
      expect(parseDurationNs(`${Math.floor(us / 1000)}.${decimals}ms`)).toBe(us * 1000);
    }),
  );
});

test("ranges are inclusive and their errors name the bound", () => {
  expect(parseInteger("-1", { min: -1 })).toBe(-1);
  expect(caught(() => parseInteger("-2", { min: -1 })).what).toContain("at least -1");
  expect(caught(() => parseDurationNs("2s", { max: 1e9 })).what).toContain("at most 1.00 s");
});

describe("printing", () => {
  test.each([
    [742, "742 ns"],
    [0, "0 ns"],
    [12.345, "12.3 ns"],
    [999.4, "999 ns"],
    [999.6, "1.00 µs"],
    [5130, "5.13 µs"],
    [99_960, "100 µs"],
    [1_200_000, "1.20 ms"],
    [999_999, "1.00 ms"],
    [12.34e9, "12.3 s"],
    [4000e9, "4000 s"],
    [-742, "-742 ns"],
    [-5130, "-5.13 µs"],
    [Number.NaN, "-"],
  ])("%d ns reads %s", (ns, text) => {
    expect(formatNs(ns)).toBe(text);
  });

  test("one thing has no s", () => {
    expect(["0", "1", "1234"].map((n) => counted(Number(n), "packet"))).toEqual([
      "0 packets",
      "1 packet",
      "1,234 packets",
    ]);
  });

  test("of rates, sizes and counts", () => {
    expect(formatRate(950)).toBe("950 pps");
    expect(formatRate(10_000)).toBe("10.0 kpps");
    expect(formatBytes(1536)).toBe("1.50 KiB");
    expect(formatBytes(1_048_575)).toBe("1.00 MiB");
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(formatCount(-1234.5)).toBe("-1,234.5");
    expect(formatCount(12)).toBe("12");
  });

  test("a printed time is within half a percent of the value", () => {
    const unit = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e13, noNaN: true }), (ns) => {
        const [amount, name] = formatNs(ns).split(" ");
        const back = Number(amount) * unit[name as keyof typeof unit];
        expect(Math.abs(back - ns) / ns).toBeLessThanOrEqual(0.005_001);
      }),
    );
  });
});

function caught(parse: () => unknown): KomonError {
  try {
    parse();
  } catch (error) {
    if (error instanceof KomonError) return error;
  }
  throw new Error("no KomonError was thrown");
}
