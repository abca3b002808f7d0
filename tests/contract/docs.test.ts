/** The docs keep up with the commands: each has a page that names all of its flags, and all links lead somewhere. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { Glob } from "bun";
import type { Definition } from "../../src/commands/define.ts";
import type { CommandTable } from "../../src/commands/group.ts";
import { commandHelp } from "../../src/commands/help.ts";
import { commands } from "../../src/commands/index.ts";
import { flagName } from "../../src/commands/parse.ts";
import { selfMetrics } from "../../src/export/self.ts";
import {
  komonCounters,
  komonDeadline,
  komonHistograms,
  komonQueue,
  komonSample,
  komonThread,
  komonVnfControl,
} from "../../src/kernel/generated/vnf.ts";
import type { Metric } from "../../src/model/metric.ts";
import { activeMetrics } from "../../src/probes/active/metrics.ts";
import { tcpMetrics } from "../../src/probes/tcp/metrics.ts";
import { vnfMetrics } from "../../src/probes/vnf/metrics.ts";
import { againstTable } from "../../src/report/against/tables.ts";
import { reportColumns } from "../../src/report/tables.ts";

const top = join(import.meta.dir, "../..");

/** Every command has them; the README says once what they mean. */
const common = ["quiet", "verbose", "format", "help"];

const files = ["*.md", "{docs,params,bench,tests}/**/*.md"]
  .flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: top })])
  .filter((path) => !path.startsWith("tests/fixtures/"))
  .sort();
const textOf = new Map(files.map((path) => [path, readFileSync(join(top, path), "utf8")]));
const pages = files.filter((path) => path.startsWith("docs/"));
const definitions = await definitionsOf(commands);

/** All commands, nested ones too. */
async function definitionsOf(table: CommandTable): Promise<Definition[]> {
  const found: Definition[] = [];
  for (const { load } of Object.values(table)) {
    const { default: command } = await load();
    if ("definition" in command) found.push(command.definition);
    else found.push(...(await definitionsOf(command.group.commands)));
  }
  return found.filter(({ hidden }) => !hidden);
}

/** A page is for the commands that its title names: `# komon testbed`, `# komon attach, detach and ctl`. */
function pagesOf(command: string): string[] {
  const [verb] = command.split(" ");
  return pages.filter((page) => {
    const title = /^# (.*)$/m.exec(textOf.get(page) ?? "")?.[1] ?? "";
    return /\bkomon\b/.test(title) && title.split(/[^\w-]+/).includes(verb);
  });
}

describe.each(definitions.map((definition) => [definition.name, definition] as const))(
  "komon %s",
  (name, { args }) => {
    const [verb] = name.split(" ");

    test("has a page that the README or docs/README.md links to", () => {
      const found = pagesOf(name);
      expect({ pageOf: verb, found: found.length > 0 }).toEqual({ pageOf: verb, found: true });
      const indexed = ["README.md", "docs/README.md"].flatMap((path) =>
        linksOf(path).map(({ target }) => target),
      );
      expect(found.filter((page) => !indexed.includes(page))).toEqual([]);
    });

    test("has all of its flags on that page", () => {
      const text = pagesOf(name)
        .map((page) => textOf.get(page))
        .join("\n");
      const flags = Object.entries(args ?? {})
        .filter(([key, arg]) => arg.place === "flag" && !arg.hidden && !common.includes(key))
        .map(([key]) => flagName(key));
      const told = (flag: string) => new RegExp(`--(no-)?${flag}(?![\\w-])`).test(text);
      expect(flags.filter((flag) => !told(flag))).toEqual([]);
    });
  },
);

test("help that a page quotes is what the command prints", () => {
  const helps = definitions.map(commandHelp);
  const blocks = pages.flatMap((page) =>
    [...(textOf.get(page) ?? "").matchAll(/^```\n(.*?)^```/gms)].map(([, text]) => ({
      page,
      text,
    })),
  );
  const quoted = blocks.filter(({ text }) => text.includes("-h, --help"));
  expect(quoted.length).toBeGreaterThan(0);
  for (const { page, text } of quoted) {
    const help = helps.find((one) => one.includes(text));
    expect({ page, text: help === undefined ? text : "" }).toEqual({ page, text: "" });
  }
});

describe("formats for machines", () => {
  const told = pages.map((page) => textOf.get(page)).join("\n");

  test("each schema is on a page", () => {
    // Tables for people alone, a record of komon's own; trace and probe describe theirs by their columns.
    const others = /^komon\.(report\.(samples|spans|errors|differences|coverages)|registry)\//;
    const sources = [...new Glob("{src,vnf}/**/*.ts").scanSync({ cwd: top })].filter(
      (path) => !/^src\/(dashboard|commands\/(trace|probe))\//.test(path),
    );
    const schemas = sources.flatMap((path) =>
      [...readFileSync(join(top, path), "utf8").matchAll(/"(komon\.[\w.-]+\/\d+)"/g)].map(
        ([, schema]) => schema,
      ),
    );
    expect(schemas.length).toBeGreaterThan(10);
    const untold = schemas.filter((schema) => !others.test(schema) && !told.includes(schema));
    expect(untold).toEqual([]);
  });

  test("each column of komon report is on its page", () => {
    const page = textOf.get("docs/report.md") ?? "";
    const cells = [...page.matchAll(/`([A-Za-z]\w*)`/g)].map(([, cell]) => cell);
    // T_… stands for each time, E_… for each error.
    const named = cells.map((cell) => new RegExp(`^${cell.replace(/^[TE]_/, "[a-z]+_")}$`));
    const against = againstTable({ pairs: [], differences: [], onlyA: [], onlyB: [] }).columns;
    const columns = [...reportColumns, ...against].map(({ key }) => key);
    expect(columns.filter((key) => !named.some((name) => name.test(key)))).toEqual([]);
  });
});

test("docs/export.md names every metric", () => {
  const text = textOf.get("docs/export.md") ?? "";
  const all = [tcpMetrics, vnfMetrics, activeMetrics, selfMetrics].flatMap((metrics) =>
    Object.values<Metric>(metrics).map(({ name }) => name),
  );
  expect(all.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

test.each([
  ["control", komonVnfControl],
  ["`queues`", komonQueue],
  ["`threads`", komonThread],
  ["`counters`, `histograms`", komonHistograms],
  ["`counters`, `histograms`", komonCounters],
  ["`deadlines`", komonDeadline],
  ["`samples`", komonSample],
])("docs/architecture.md says how large %s is", (memory, { size }) => {
  const lines = textOf.get("docs/architecture.md")?.split("\n") ?? [];
  const row = lines.find((line) => line.startsWith(`| ${memory}`));
  expect(row?.match(/[\d,]+/g)).toContain(size.toLocaleString("en"));
});

describe("links", () => {
  test("lead to files and headings that are there", () => {
    const broken = files.flatMap((path) =>
      linksOf(path)
        .filter(({ target, heading }) => !leads(target, heading))
        .map(({ written }) => `${path}: ${written}`),
    );
    expect(broken).toEqual([]);
  });

  test("lead from the README to every page", () => {
    const seen = new Set(["README.md"]);
    for (const path of seen) {
      for (const { target } of linksOf(path)) if (textOf.has(target)) seen.add(target);
    }
    const all = [...pages, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    expect(all.filter((page) => !seen.has(page))).toEqual([]);
  });
});

interface Link {
  readonly written: string;
  /** From the project's top. */
  readonly target: string;
  readonly heading: string | undefined;
}

/** Links into the project, outside of code. */
function linksOf(path: string): Link[] {
  const text = prose(textOf.get(path) ?? "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, written]) => written)
    .filter((written) => !/^[a-z]+:/.test(written))
    .map((written) => {
      const [file, heading] = written.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      return { written, target: relative(".", target), heading };
    });
}

function leads(target: string, heading: string | undefined): boolean {
  if (!existsSync(join(top, target))) return false;
  return heading === undefined || headingsOf(target).includes(heading);
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(path: string): string[] {
  const text = (textOf.get(path) ?? "").replace(/^```.*?^```/gms, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function prose(text: string): string {
  return text.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "");
}
