import { printable } from "../base/printable.ts";
import type { Table } from "../model/table.ts";
import type { Comparison } from "./against.ts";
import { differenceTable, enoughReps } from "./against.ts";
import type { CombinationReport } from "./combination.ts";
import type { Report } from "./report.ts";
import { sampleTable, spanTable } from "./tables.ts";

/** Writes a model table as text for humans: the sink is the caller's. */
export type Render = (table: Table) => string;

export const samplesLegend = "VNF, KERNEL: medians; p99: of KERNEL; bias: difference of the means";
export const spansLegend = "service, error, queue: medians; error: service - truth, same packet";

/** The report for humans: per folder, a table of the samples and one of the spans. */
export function reportText({ combinations }: Report, render: Render): string {
  const folders = Map.groupBy(combinations, ({ folder }) => folder);
  const parts: string[] = [];
  for (const [folder, inside] of folders) {
    parts.push(printable(folder), `${samplesLegend}\n${render(sampleTable(inside))}`);
    const withSpans = inside.filter(({ quantities }) => quantities.service !== undefined);
    if (withSpans.length > 0) parts.push(`${spansLegend}\n${render(spanTable(withSpans))}`);
  }
  return parts
    .map((part) => part.trimEnd())
    .join("\n\n")
    .concat("\n");
}

/** What a reader has to know beside the tables. */
export function reportNotes({ combinations }: Report): string[] {
  const notes: string[] = [];
  const foreign = combinations.filter(
    ({ samePackets, comparison }) => comparison !== undefined && !samePackets,
  );
  if (foreign.length > 0) {
    notes.push(
      `${foreign.length} of ${combinations.length} combinations: rows of VNF_ and KERNEL_ are not known to be the ` +
        "same packets; they are compared as samples, and no error per packet is given",
    );
  }
  if (combinations.some(({ scheme }) => scheme === "2018")) {
    notes.push("logs of 2018: µs turned into ns; KERNEL_ was cut to whole µs");
  }
  for (const combination of combinations) {
    for (const note of combination.notes) notes.push(`${nameOf(combination)}: ${note}`);
  }
  return notes;
}

function nameOf({ folder, params }: CombinationReport): string {
  return `${folder}: ${params.pps} pps, ${params.delayNs / 1000} µs, law ${params.law}`;
}

/** Two reports compared, for humans. */
export function againstText(comparison: Comparison, render: Render): string {
  const { differences, onlyA, onlyB } = comparison;
  const differing = differences.filter(({ differs }) => differs).length;
  const lines: string[] = [];
  if (differing > 0) lines.push(render(differenceTable(comparison)).trimEnd(), "");
  lines.push(
    differences.length === 0
      ? "Nothing to compare: no combination is in both."
      : `${differing} of ${differences.length} figures differ beyond the noise.`,
  );
  if (differences.some(({ unit }) => unit === "batches")) {
    lines.push(
      `The noise is that within the runs: with ${enoughReps} repetitions on both sides it would be that between runs.`,
    );
  }
  if (onlyA.length + onlyB.length > 0) {
    lines.push(`Without counterpart: ${onlyA.length} combinations of A, ${onlyB.length} of B.`);
  }
  return `${lines.join("\n")}\n`;
}
