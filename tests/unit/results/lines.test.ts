import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { KomonError } from "../../../src/base/errors.ts";
import { type LineOptions, readLines } from "../../../src/results/lines.ts";
import { testFolder, textFile } from "./folder.ts";

const folder = testFolder();

/** Reads a text and returns its rows and problems as texts. */
function read(text: string, options: Partial<LineOptions> = {}) {
  const rows: number[][] = [];
  const problems: string[] = [];
  readLines(textFile(folder, "file", text), {
    columns: [3],
    onRow: ({ cells, columns }) => {
      rows.push([...cells.subarray(0, columns)]);
      return undefined;
    },
    onProblem: ({ line, what }) => problems.push(`${line}: ${what}`),
    ...options,
  });
  return { rows, problems };
}

describe("lines of numbers", () => {
  test("read back what was written", () => {
    const cell = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer({ min: -1e6, max: 1e6 }).map((thousandths) => thousandths / 1000),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell)), (rows) => {
        const text = rows.map((row) => `${row.join(";")}\n`).join("");
        expect(read(text).problems).toEqual([]);
        // -0 has no text of its own.
        expect(read(text).rows).toEqual(rows.map((row) => row.map((value) => value + 0)));
      }),
      { numRuns: 50 },
    );
  });

  test("CRLF is a line end", () => {
    expect(read("1;2;3\r\n4;5;6\r\n")).toEqual({
      rows: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      problems: [],
    });
  });

  test("rows that lie across the pieces in which the file is read", () => {
    const row = "123456;234567;345678\n";
    const count = Math.ceil((2.5 * 2 ** 20) / row.length);
    let right = 0;
    const problems = read(row.repeat(count), {
      onRow: ({ cells, line }) => {
        if (cells[0] === 123456 && cells[2] === 345678 && line === right + 1) right++;
        return undefined;
      },
    }).problems;
    expect(right).toBe(count);
    expect(problems).toEqual([]);
  });

  test("bad rows are named and left out, the others are read", () => {
    const { rows, problems } = read(
      "1;2;3\nx;2;3\n\n1;2\n1;2;3;4\n1;;3\n7;8;9\n1;2.3.4;5\n--1;2;3\n4;5;6",
    );
    expect(rows).toEqual([
      [1, 2, 3],
      [7, 8, 9],
    ]);
    expect(problems).toEqual([
      '2: "x;2;3" is not a row of numbers',
      "3: the line is empty",
      "4: 2 columns, and 3 are expected",
      "5: 4 columns, and 3 are expected",
      '6: "1;;3" is not a row of numbers',
      '8: "1;2.3.4;5" is not a row of numbers',
      '9: "--1;2;3" is not a row of numbers',
      "10: the last line has no line end: it may be cut off",
    ]);
  });

  test("empty cells where they are allowed", () => {
    const { rows, problems } = read("1;;3\n;;\n-;2;3\n", { emptyCells: true });
    expect(rows).toEqual([
      [1, Number.NaN, 3],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect(problems).toEqual(['3: "-;2;3" is not a row of numbers']);
  });

  test("a header has to be the one", () => {
    expect(read("a;b;c\n1;2;3\n", { header: "a;b;c" }).rows).toEqual([[1, 2, 3]]);
    const other = read("a;b;d\n1;2;3\n", { header: "a;b;c" });
    expect(other.rows).toEqual([]);
    expect(other.problems).toEqual(['1: the header is "a;b;d", not "a;b;c"']);
  });

  test("the caller's objection is a problem of that line", () => {
    const onRow = () => "not this one";
    expect(read("1;2;3\n", { onRow }).problems).toEqual(["1: not this one"]);
  });

  test("a file of something else is given up soon", () => {
    const { problems } = read("some log line\n".repeat(1000));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toContain("the rest of the file is not read");
    expect(read("0".repeat(3e6)).problems).toEqual(["0: a line is longer than a megabyte"]);
  });

  test("control characters do not reach the message", () => {
    expect(read("\x1b[31mred\n").problems).toEqual(['1: "?[31mred" is not a row of numbers']);
  });

  test("a file that cannot be read", () => {
    const options = { columns: [1], onRow: () => undefined, onProblem: () => {} };
    expect(() => readLines(join(folder, "none"), options)).toThrow(KomonError);
    expect(() => readLines(folder, options)).toThrow("EISDIR");
  });
});
