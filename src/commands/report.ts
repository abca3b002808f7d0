import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { mayColour, print } from "../base/output.ts";
import { formats, type Table } from "../model/table.ts";
import { type AgainstChart, againstChartNames, againstSvg } from "../report/against/charts.ts";
import { compareReports } from "../report/against/compare.ts";
import { againstHtml } from "../report/against/html.ts";
import { againstTable } from "../report/against/tables.ts";
import { againstText } from "../report/against/text.ts";
import { chartSvg } from "../report/charts.ts";
import { reportHtml } from "../report/html.ts";
import { type Report, readReport } from "../report/report.ts";
import { reportTable } from "../report/tables.ts";
import { reportNotes, reportText } from "../report/text.ts";
import type { RowProblem } from "../results/lines.ts";
import { writeWhole } from "../results/wholeFile.ts";
import { formatTable } from "../sinks/format.ts";
import { json } from "../sinks/json.ts";
import { plainRow } from "../sinks/jsonl.ts";
import { defineCommand, Exit, flag, positional } from "./define.ts";

const problemsPerFile = 3;

export default defineCommand({
  name: "report",
  summary: "Tables, charts and comparisons from folders of results, ours and KOMon's of 2019.",
  details: `Reads VNF_, KERNEL_, BUFFER_, SPANS_ and RUN_ files of all naming schemes. Where rows of VNF_ and
KERNEL_ are not the same packets, as in 2019, they are compared as samples and no error per packet is given.
With --against, says what differs beyond the noise. Exit code 1 when a file had rows that could not be read.`,
  example:
    "komon report results/ --format html --out report.html\nkomon report results/new --against results/old",
  args: {
    paths: positional.list({ help: "folders, searched to the bottom, or files", required: true }),
    against: flag.text({ help: "compare with the results in this folder", hint: "PATH" }),
    format: flag.choice([...formats, "html", "svg"], { help: "of the report", default: "table" }),
    chart: flag.choice(againstChartNames, {
      help: "which chart --format svg draws (default ecdf)",
    }),
    out: flag.text({ help: "write to this new file instead of stdout", hint: "FILE" }),
  },
  run({ args: given }) {
    if (given.chart !== undefined && given.format !== "svg") {
      throw usageError("--chart says nothing without --format svg", "add --format svg");
    }
    const args = { ...given, chart: given.chart ?? "ecdf" };
    const report = readReport(args.paths);
    const other = args.against === undefined ? undefined : readReport([args.against]);
    const text = other ? compared(report, other, args) : rendered(report, args);
    if (args.out === undefined) print(text);
    else
      writeWhole(args.out, text, { mend: "give another name with --out, or move that file away" });
    const notes = [report, ...(other ? [other] : [])].flatMap(reportNotes);
    for (const note of new Set(notes)) log.info(note);
    const problems = [...report.problems, ...(other?.problems ?? [])];
    warn(problems);
    return problems.length > 0 ? Exit.incomplete : Exit.done;
  },
});

interface Wanted {
  readonly format: (typeof formats)[number] | "html" | "svg";
  readonly chart: AgainstChart;
}

function rendered(report: Report, { format, chart }: Wanted): string {
  switch (format) {
    case "table":
      return reportText(report, human);
    case "html":
      return reportHtml(report);
    case "svg":
      if (chart === "difference") throw usageError("--chart difference is a chart of --against");
      return chartSvg(report, chart);
    case "json":
      return withProblems(reportTable(report.combinations), report.problems);
    default:
      return formatTable(format, reportTable(report.combinations));
  }
}

function compared(a: Report, b: Report, { format, chart }: Wanted): string {
  const comparison = compareReports(a, b);
  switch (format) {
    case "table":
      return againstText(comparison, human);
    case "html":
      return againstHtml(a, b, comparison);
    case "svg":
      return againstSvg(comparison, chart);
    case "json":
      return withProblems(againstTable(comparison), [...a.problems, ...b.problems]);
    default:
      return formatTable(format, againstTable(comparison));
  }
}

function human(table: Table): string {
  return formatTable("table", table, { colour: mayColour("stdout") });
}

function withProblems({ schema, columns, rows }: Table, problems: readonly RowProblem[]): string {
  return json({ schema, ...{ rows: rows.map((row) => plainRow(columns, row)), problems } });
}

/** The first problems of each file, and how many more it has. */
function warn(problems: readonly RowProblem[]): void {
  for (const [file, ofFile] of Map.groupBy(problems, (problem) => problem.file)) {
    for (const { line, what } of ofFile.slice(0, problemsPerFile)) {
      log.warn(line > 0 ? `${file}:${line}: ${what}` : `${file}: ${what}`);
    }
    const more = ofFile.length - problemsPerFile;
    if (more > 0) log.warn(`${file}: ${more} more bad rows`);
  }
}
