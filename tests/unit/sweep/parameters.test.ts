import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { KomonError } from "../../../src/base/errors.ts";
import type { ColumnName } from "../../../src/sweep/columns.ts";
import { mistakesError } from "../../../src/sweep/mistakes.ts";
import { parseParameters } from "../../../src/sweep/parameters.ts";
import { readSweep } from "../../../src/sweep/runs.ts";
import { testFolder, textFile } from "../results/folder.ts";

const params = join(import.meta.dir, "../../../params");
const folder = testFolder();

/** Each line as an object of value lists; fails on a mistake. */
function lines(text: string): Partial<Record<ColumnName, readonly number[]>>[] {
  const { lines, mistakes } = parseParameters(text, "file");
  expect(mistakes).toEqual([]);
  return lines.map(({ values }) => Object.fromEntries(values));
}

/** Mistakes as `line:column: what`, and the marked text. */
function mistakes(text: string): string[] {
  return parseParameters(text, "file").mistakes.map(({ line, column, length, what, text }) => {
    return `${line}:${column} [${text.slice(column - 1, column - 1 + length)}] ${what}`;
  });
}

const line2019 = {
  intervals: [100],
  packets: [10],
  sleep: [100_000_000],
  pps: [1000],
  size: [128],
  delay: [25_000],
  law: [3],
};

describe("the format of 2019", () => {
  test("seven columns, and six with law 0 left open", () => {
    const { law, ...six } = line2019;
    expect(lines("100 10 0.1 1000 128 25 3\n")).toEqual([line2019]);
    expect(lines("100 10 0.1 1000 128 25\n")).toEqual([six]);
    expect(readSweep([textFile(folder, "six", "100 10 0.1 1000 128 25\n")], 5)).toMatchObject(
      [1, 2, 3, 4, 5].map((rep) => ({ params: { law: 0, rep } })),
    );
    expect(law).toEqual([3]);
  });

  test("trailing blanks, blank lines, CRLF, tabs, no last line end, a byte order mark", () => {
    const text =
      "\uFEFF100 10 0.1 1000 128 25 3 \r\n\r\n  \n\t100\t10\t0.1\t1000\t128\t25\t3\t\r\n100 10 0.1 1000 128 25 3";
    expect(lines(text)).toEqual([line2019, line2019, line2019]);
  });

  test("the files of 2019 have the combinations of the published data", () => {
    const published = readFileSync(join(import.meta.dir, "published.txt"), "utf8")
      .trim()
      .split("\n");
    const runs = readSweep([join(params, "combined")]);
    const texts = runs.map(({ params }) => `${params.delayNs / 1000} ${params.law}`);
    expect(texts).toEqual(published);
    expect(runs.every(({ params }) => params.intervals === 1000 && params.pps === 1000)).toBe(true);
  });

  test.each([
    ["calibration", 7, [0]],
    ["negexp", 6, [1]],
    ["uniform", 6, [2]],
    ["norm1", 6, [3]],
    ["norm0.2", 6, [4]],
  ])("%s", (name, count, law) => {
    const runs = readSweep([join(params, name)]);
    expect(runs).toHaveLength(count);
    expect([...new Set(runs.map(({ params }) => params.law as number))]).toEqual(law);
    expect(runs[0].params).toMatchObject({
      intervals: 100,
      packets: 10,
      sleepNs: 1e8,
      sizeBytes: 128,
    });
  });
});

describe("beyond 2019", () => {
  test("comments, headers, names and aliases", () => {
    const text = [
      "# a comment",
      "pps samples intervals bytes dist delay_us interval",
      "1000 10 100 128 norm1 25 0.1 # another",
      "intervals packets sleep",
      "100 10 0.1 law=3 pps=1k size=128 delay=25us",
    ];
    expect(lines(text.join("\n"))).toEqual([line2019, line2019]);
  });

  test("bursts, where packets leave in bursts", () => {
    const given = lines("1 1 1 1 128 0 burst=5,10 arrivals=burst")[0];
    expect(given).toMatchObject({ burst: [5, 10], arrivals: [2] });
  });

  test("units of their own", () => {
    expect(lines("1 1 250ms 2.5k 2KiB 500ns")[0]).toMatchObject({
      sleep: [250_000_000],
      pps: [2500],
      size: [2048],
      delay: [500],
    });
  });

  test("lists, ranges, factors", () => {
    const cell = (name: ColumnName, text: string) => {
      const others = { intervals: 1, packets: 1, sleep: 0, pps: 1, size: 1, delay: 0 };
      const named = { ...others, [name]: text };
      const words = Object.entries(named).map(([key, value]) => `${key}=${value}`);
      return lines(words.join(" "))[0][name];
    };
    expect(cell("delay", "0..500/100")).toEqual(
      [0, 100, 200, 300, 400, 500].map((us) => us * 1000),
    );
    expect(cell("pps", "1k,10k,100k")).toEqual([1000, 10_000, 100_000]);
    expect(cell("pps", "1k..10k/4k,2M")).toEqual([1000, 5000, 9000, 2_000_000]);
    expect(cell("pps", "1k..16k*2")).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(cell("pps", "16k..1k*4")).toEqual([16_000, 4000, 1000]);
    expect(cell("delay", "2us..1us/500ns")).toEqual([2000, 1500, 1000]);
    expect(cell("sleep", "0.1..0.3/0.1")).toEqual([1e8, 2e8, 3e8]);
    expect(cell("pps", "0.1..0.3/0.1")).toEqual([0.1, 0.2, 0.3]);
    expect(cell("law", "constant,negexp,4")).toEqual([0, 1, 4]);
    expect(cell("gap", "exp,fixed+exp")).toEqual([1, 2]);
    expect(cell("delay", "5..5/1")).toEqual([5000]);
  });

  test("decimal steps do not drift, and the last value is reached", () => {
    const tenths = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(tenths, fc.integer({ min: 1, max: 200 }), (step, count) => {
        const last = ((step * count) / 10).toFixed(1);
        const text = `1 1 1 1 1 0..${last}/${(step / 10).toFixed(1)}`;
        const expected = Array.from({ length: count + 1 }, (_, index) => index * step * 100);
        expect(lines(text)[0].delay).toEqual(expected);
      }),
    );
  });
});

describe("mistakes", () => {
  test.each([
    ["1 1 1 x 128 0 0", ["1:7 [x]", "is not a rate in packets per second"]],
    ["0 1 1 1 128 0", ["1:1 [0]", "a number of intervals"]],
    ["1 1 -1 1 128 0", ["1:5 [-1]", "a pause in seconds"]],
    ["1 1 1 1 128 0.0001", ["1:13 [0.0001]", "a delay"]],
    ["1 1 1 1 65508 0", ["1:9 [65508]", "0 to 65507"]],
    ["1 1 1 500M 128 0", ["1:7 [500M]", "0.001 to 100000000"]],
    ["1 1 4000 1 128 0", ["1:5 [4000]", "0 ns to 3600 s"]],
    ["1 1 1 1 128 61s", ["1:13 [61s]", "0 ns to 60.0 s"]],
    ["1 1 1 1 128 0 burst=5", ["1:21 [5]", "arrivals=burst"]],
    ["1 1 1 1 128 0 burst=5 arrivals=burst,poisson", ["1:21 [5]", "arrivals=burst"]],
    ["1 1 1 1 128 0 5", ["1:15 [5]", "4 (norm0.2), 0 to 4"]],
    ["1 1 1 1 128 0 0 1", ["1:17 [1]", "7 columns by position at most"]],
    ["1 1 1 1 128", ["1:12 []", "missing: delay"]],
    ["1 1 1 1 128 0..500", ["1:13 [0..500]", "needs a step"]],
    ["1 1 1 1 128 0..500/0", ["1:20 [0]", "above 0"]],
    ["1 1 1 1..8*1 128 0", ["1:12 [1]", "above 1"]],
    ["1 1 1 1 128 0..9/", ["1:18 []", "is not a delay"]],
    ["1 1 1 1,,2 128 0", ["1:9 [,]", "missing here"]],
    ["1 1 1 1..90M/1 128 0", ["1:7 [1..90M/1]", "more than 100000 values"]],
    ["1 1 1 1 128 dealy=5", ["1:13 [dealy]", "did you mean delay?"]],
    ["1 1 1 1 128 5 delay=5", ["1:21 [5]", "delay is given twice"]],
    ["1 1 1 1 delay=5 128", ["1:17 [128]", "columns by position come before those by name"]],
    ["foo pps", ["1:1 [foo]", '"foo" is no column']],
    ["pps pps", ["1:5 [pps]", "pps is here twice"]],
    ["pps delay\n1 1 1", ["2:5 [1]", "the header names 2 columns"]],
    ["1 1 1 1k..x/2 128 0", ["1:11 [x]", "is not a rate"]],
  ])("%s", (text, [place, what]) => {
    const found = mistakes(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(place);
    expect(found[0]).toContain(what);
  });

  test("all of them at once, each with its line and the place marked", () => {
    const file = textFile(
      folder,
      "wrong",
      "1 1 1 1o00 128 0\n\n\t1 1 y 1 128 0 9\n1 1 1 1 128 0\n",
    );
    let message = "";
    try {
      readSweep([file]);
    } catch (error) {
      expect(error).toBeInstanceOf(KomonError);
      expect((error as KomonError).exit).toBe(2);
      message = (error as KomonError).message;
    }
    expect(message).toContain("3 mistakes");
    expect(message).toContain(`${file}:1:7: "1o00" is not a rate`);
    expect(message).toContain("  1 1 1 1o00 128 0\n        ^^^^\n");
    expect(message).toContain(`${file}:3:6: "y"`);
    expect(message).toContain("  \t1 1 y 1 128 0 9\n  \t    ^");
    expect(message).toContain(`${file}:3:16: "9" is not a law`);
  });

  test("of a wrong header are told once, not for every line", () => {
    expect(mistakes("pps foo\n1 2\n3 4\n")).toHaveLength(1);
  });

  test("many are cut", () => {
    const { mistakes } = parseParameters("x 1\n".repeat(100), "file");
    expect(mistakesError(mistakes).message).toContain("… and 80 more");
  });

  test("any text is read without a crash", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(..."0123456789.,/*=# \n-xkdelay".split(""), "..")),
        (parts) => {
          const { mistakes } = parseParameters(parts.join(""), "file");
          for (const { line, column, text } of mistakes) {
            expect(line).toBeGreaterThan(0);
            expect(column).toBeGreaterThan(0);
            expect(column).toBeLessThanOrEqual(text.length + 1);
          }
        },
      ),
    );
  });
});
