import { expect, test } from "bun:test";
import fc from "fast-check";
import { KomonError } from "../../../src/base/errors.ts";
import { printable } from "../../../src/base/printable.ts";
import { table } from "../../../src/sinks/table.ts";

test.each([
  ["\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"],
  ["one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"],
  ["\u009b31m", "\\x9b31m"], // the same as ESC [ in one character
  ["abc\u202etxt.exe", "abc\\u202etxt.exe"],
  ["\ud800", "\\ud800"],
  ["ns µs → é 漢 🙂", "ns µs → é 漢 🙂"],
])("%j is shown as %s", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom(..."\x1b\x9b\r\n\u202e\0ab"), fc.string()),
});

test("nothing in a table or an error moves the cursor", () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      const columns = [{ key: "name", unit: "text" as const }];
      const shown = table({ columns, rows: [{ name: a }, { name: b }] });
      expect(shown.split("\n")).toHaveLength(4);
      const { message } = new KomonError({ what: `cannot open ${a}`, why: b });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(shown + message).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
    }),
  );
});
