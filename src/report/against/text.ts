import type { Render } from "../text.ts";
import { type Comparison, enoughReps } from "./compare.ts";
import { coverageTable, differenceTable, unlikeCoverage } from "./tables.ts";

/** Two reports compared, for humans: what differs. */
export function againstText(comparison: Comparison, render: Render): string {
  const lines: string[] = [];
  const differing = differenceTable(comparison);
  if (differing.rows.length > 0) lines.push(render(differing).trimEnd(), "");
  const coverage = coverageTable(unlikeCoverage(comparison));
  if (coverage.rows.length > 0) lines.push(render(coverage).trimEnd(), "");
  return `${[...lines, ...verdict(comparison)].join("\n")}\n`;
}

/** What came out, in sentences. */
export function verdict({ differences, onlyA, onlyB }: Comparison): string[] {
  const differing = differences.filter(({ differs }) => differs).length;
  const lines = [
    differences.length === 0
      ? "Nothing to compare: no combination is in both."
      : `${differing} of ${differences.length} figures differ beyond the noise.`,
  ];
  if (differences.some(({ unit }) => unit === "batches")) {
    lines.push(
      `The noise is that within the runs: with ${enoughReps} repetitions on both sides it would be that between runs.`,
    );
  }
  if (onlyA.length + onlyB.length > 0) {
    lines.push(`Without counterpart: ${onlyA.length} combinations of A, ${onlyB.length} of B.`);
  }
  return lines;
}
