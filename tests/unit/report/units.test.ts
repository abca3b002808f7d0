/** KERNEL_ and VNF_ of one run, one of them in ns and one in µs. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readReport } from "../../../src/report/report.ts";
import { freshFolders } from "../results/folder.ts";
import { makeOld } from "./folders.ts";

const fresh = freshFolders();

type Change = (old: string) => string;
const thousandfold: Change = (old) => `${Number(old) * 1000}`;
const whole: Change = (old) => `${Math.round(Number(old))}`;
const thousandth: Change = (old) => `${Number(old) / 1000}`;
const thousandthWithDecimals: Change = (old) => `${Number(old) / 1000}.250000`;

/** Rewrites the times of one of the files. */
function rewrite(out: string, kind: string, change: Change): void {
  const path = join(out, `${readdirSync(out).find((name) => name.startsWith(kind))}`);
  writeFileSync(path, readFileSync(path, "utf8").replace(/[^;\n]+$/gm, change));
}

describe("mixed units", () => {
  test.each([
    ["2018", {}],
    ["2018", { VNF: thousandfold }], // whole ns
    ["loads", {}],
    ["loads", { VNF: thousandthWithDecimals }],
    ["loads", { KERNEL: thousandthWithDecimals }],
  ] as const)("%s, each file in a unit that it shows: read right", (scheme, changes) => {
    const out = fresh();
    makeOld(out, scheme);
    for (const [kind, change] of Object.entries(changes)) rewrite(out, kind, change);
    const { combinations, problems } = readReport([out]);
    expect(problems).toEqual([]);
    expect(combinations[0].comparison?.pairs).toBe(40);
    // 10 µs apart as they were written, less what the decimals say more.
    expect(combinations[0].comparison?.pair_mae_ns).toBeCloseTo(10_000, -3);
  });

  const above = "read as µs, its times are about 1000 times those in VNF_";
  const below = "read as ns, its times are about a thousandth of those in";
  test.each([
    ["2018", "KERNEL", { KERNEL: thousandfold }, above],
    ["2018", "VNF", { VNF: whole }, `${below} KERNEL_`],
    ["loads", "KERNEL", { KERNEL: thousandth, VNF: thousandthWithDecimals }, `${below} VNF_`],
  ] as const)("%s, %s in another: it is named and left out", (scheme, kind, changes, told) => {
    const out = fresh();
    makeOld(out, scheme);
    for (const [kind, change] of Object.entries(changes)) rewrite(out, kind, change);
    const { combinations, problems } = readReport([out]);
    const named = problems.map(({ file, line, what }) => [
      basename(file).split("_")[0],
      line,
      what,
    ]);
    expect(named).toEqual([[kind, 0, expect.stringContaining(told)]]);
    expect(combinations[0].comparison).toBeUndefined();
    const left = kind === "KERNEL" ? "truth" : "sojourn";
    expect(Object.keys(combinations[0].quantities)).toEqual([left]);
  });

  test("a queue that filled is no other unit", () => {
    const out = fresh();
    makeOld(out, "2018");
    let row = 0;
    rewrite(out, "KERNEL", (old) => (row++ < 5 ? old : `${old}000`));
    const { combinations, problems } = readReport([out]);
    expect(problems).toEqual([]);
    expect(combinations[0].comparison?.pairs).toBe(40);
  });
});
