import { expect, test } from "bun:test";
import { pageBytes, wholePages } from "../../../src/kernel/libc.ts";

test("pages are as large as this kernel's", () => {
  const said = Bun.spawnSync(["getconf", "PAGESIZE"]).stdout.toString();
  expect(pageBytes()).toBe(Number(said));
  expect([0, 1, pageBytes(), pageBytes() + 1].map(wholePages)).toEqual(
    [0, 1, 1, 2].map((pages) => pages * pageBytes()),
  );
});
