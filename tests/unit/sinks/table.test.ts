import { expect, test } from "bun:test";
import type { Table } from "../../../src/model/table.ts";
import { formatTable } from "../../../src/sinks/format.ts";

const result: Table = {
  schema: "komon.test/1",
  columns: [
    { key: "span", unit: "text" },
    { key: "p50_ns", title: "p50", unit: "ns" },
    { key: "count", unit: "count" },
    { key: "share", unit: "ratio" },
    { key: "note", unit: "text" },
  ],
  rows: [
    { span: "service", p50_ns: 742, count: 12_345, share: 0.0123, note: 'a "quoted", one' },
    { span: "µ-queue", p50_ns: Number.NaN, count: 1e6, share: 1 },
  ],
};

test("a table is aligned, without colour and without trailing blanks", () => {
  expect(formatTable("table", result)).toBe(
    [
      "span        p50      count    share  note",
      'service  742 ns     12,345   1.23 %  a "quoted", one',
      "µ-queue       -  1,000,000  100.0 %  -",
      "",
    ].join("\n"),
  );
});

test("only the head is coloured, and only when asked", () => {
  const lines = formatTable("table", result, { colour: true }).split("\n");
  expect(lines[0]).toBe("\x1b[1mspan        p50      count    share  note\x1b[0m");
  expect(lines.slice(1).join("")).not.toContain("\x1b");
});

test("a wide text gives way so that the table stays below 80 columns; numbers do not", () => {
  const wide = { ...result, rows: [{ ...result.rows[0], note: "x".repeat(200) }] };
  const lines = formatTable("table", wide).trimEnd().split("\n");
  expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).toBe(79);
  expect(lines[1]).toContain("12,345  1.23 %  xxx");
  expect(lines[1]).toEndWith("x…");
});

test("JSON carries plain numbers, null for what is not there, and the schema", () => {
  expect(JSON.parse(formatTable("json", result))).toEqual({
    schema: "komon.test/1",
    rows: [
      { span: "service", p50_ns: 742, count: 12_345, share: 0.0123, note: 'a "quoted", one' },
      { span: "µ-queue", p50_ns: null, count: 1e6, share: 1, note: null },
    ],
  });
});

test("each line of JSON Lines stands alone", () => {
  const lines = formatTable("jsonl", result).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { schema: "komon.test/1", ...result.rows[0] },
    { schema: "komon.test/1", ...result.rows[1], p50_ns: null, note: null },
  ]);
});

test("CSV quotes by RFC 4180 and leaves empty what is not there", () => {
  expect(formatTable("csv", result)).toBe(
    [
      "span,p50_ns,count,share,note",
      'service,742,12345,0.0123,"a ""quoted"", one"',
      "µ-queue,,1000000,1,",
      "",
    ].join("\n"),
  );
});
