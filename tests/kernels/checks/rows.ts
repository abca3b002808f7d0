import { type Evidence, same } from "./check.ts";

/** A row of SPANS_: what its head names, as numbers. */
type SpansRow = Readonly<Record<string, number>>;

export function spansOf(files: Evidence["files"]): SpansRow[] {
  const [head, ...rows] = linesOf(files, "SPANS_");
  const names = head.split(";");
  return rows.map((row) => {
    const values = row.split(";").map(Number);
    return Object.fromEntries(names.map((name, index) => [name, values[index]]));
  });
}

/** The last column of KERNEL_ and VNF_: nanoseconds. */
export function timesOf(files: Evidence["files"], kind: "KERNEL_" | "VNF_"): number[] {
  return linesOf(files, kind).map((row) => Number(row.split(";").at(-1)));
}

function linesOf(files: Evidence["files"], kind: string): string[] {
  const names = Object.keys(files).filter((name) => name.split("/").at(-1)?.startsWith(kind));
  same(`the number of ${kind} files`, names.length, 1);
  return files[names[0]].trimEnd().split("\n");
}
