import { printable } from "../base/printable.ts";
import type { Table } from "../model/table.ts";
import type { CombinationReport } from "./combination.ts";
import type { Report } from "./report.ts";
import { errorTable, sampleTable, spanTable } from "./tables.ts";

/** Writes a model table as text for humans: the sink is the caller's. */
export type Render = (table: Table) => string;

const samplesLegend = "VNF, KERNEL: medians; p99: of KERNEL; bias: difference of the means";
const spansLegend = "service, queue: medians, each with its p99";
const errorsLegend = "error: median of service - truth, same packet; corrected: less the offset";

/** A table and the sentence that explains its heads. */
export interface Explained {
  readonly legend: string;
  readonly table: Table;
}

/** The tables for humans of the combinations of one folder; none without rows. */
export function tablesOf(inside: readonly CombinationReport[]): Explained[] {
  const withSpans = inside.filter(({ quantities }) => quantities.service !== undefined);
  const withError = inside.filter(({ error }) => error !== undefined);
  return [
    { legend: samplesLegend, table: sampleTable(inside) },
    { legend: spansLegend, table: spanTable(withSpans) },
    { legend: errorsLegend, table: errorTable(withError) },
  ].filter(({ table }) => table.rows.length > 0);
}

/** The report for humans: per folder, a table of the samples, of the spans and of the errors. */
export function reportText({ combinations }: Report, render: Render): string {
  const folders = Map.groupBy(combinations, ({ folder }) => folder);
  const parts: string[] = [];
  for (const [folder, inside] of folders) {
    const tables = tablesOf(inside).map(({ legend, table }) => `${legend}\n${render(table)}`);
    parts.push(printable(folder), ...tables);
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
