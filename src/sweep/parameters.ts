import { nearest } from "../base/nearest.ts";
import {
  arrivalNames,
  type ColumnName,
  columnNames,
  columnOf,
  furtherColumns,
  knownNames,
  mainColumns,
  type ParameterColumn,
} from "./columns.ts";
import type { Mistake } from "./mistakes.ts";
import { CellMistake, parseValues } from "./values.ts";

/** A line of a parameter file: for each column that it gives, its values. */
export interface ParameterLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly values: ReadonlyMap<ColumnName, readonly number[]>;
}

export interface ParsedParameters {
  readonly lines: readonly ParameterLine[];
  readonly mistakes: readonly Mistake[];
}

interface Token {
  readonly text: string;
  /** Offset in the line. */
  readonly at: number;
}

/**
 * Reads a parameter file: KOMon's format of 2019 (seven columns, or six and law 0), and beyond it
 * comments, a header, cells `name=value`, lists and ranges; params/README.md describes them.
 * Reads to the end whatever it meets: all mistakes are found at once.
 */
export function parseParameters(text: string, file: string): ParsedParameters {
  const parser = new Parser(file);
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (const [index, line] of lines.entries()) parser.line(line.replace(/\r$/, ""), index + 1);
  return parser;
}

class Parser implements ParsedParameters {
  readonly lines: ParameterLine[] = [];
  readonly mistakes: Mistake[] = [];
  #header: readonly (ParameterColumn | undefined)[] | undefined;
  #burst: Token | undefined;
  #text = "";
  #line = 0;

  constructor(readonly file: string) {}

  line(text: string, line: number): void {
    this.#text = text;
    this.#line = line;
    const tokens = tokensOf(text);
    if (tokens.length === 0) return;
    if (tokens.every((token) => /^[A-Za-z]\w*$/.test(token.text))) this.#readHeader(tokens);
    else this.#readValues(tokens);
  }

  #readHeader(tokens: readonly Token[]): void {
    const seen = new Set<ColumnName>();
    this.#header = tokens.map((token) => {
      const column = this.#column(token.text, token);
      if (column && seen.has(column.name)) this.#mistake(token, `${column.name} is here twice`);
      if (column) seen.add(column.name);
      return column;
    });
  }

  #readValues(tokens: readonly Token[]): void {
    const before = this.mistakes.length;
    const values = new Map<ColumnName, readonly number[]>();
    this.#burst = undefined;
    const places = this.#header ?? mainColumns.map(columnOf);
    let place = 0;
    let byName = false;
    for (const token of tokens) {
      const equals = token.text.indexOf("=");
      if (equals >= 0) {
        byName = true;
        this.#named(token, equals, values);
      } else if (byName) {
        this.#mistake(token, "columns by position come before those by name");
      } else if (place >= places.length) this.#surplus(token, places.length);
      else this.#cell(token, places[place++], values);
    }
    if (this.mistakes.length === before && !places.includes(undefined)) this.#missing(values);
    this.#vainBurst(values);
    const { file } = this;
    this.lines.push({ file, line: this.#line, text: this.#text, values });
  }

  /** A cell `name=values`. */
  #named(token: Token, equals: number, values: Map<ColumnName, readonly number[]>): void {
    const name = { text: token.text.slice(0, equals), at: token.at };
    const column = this.#column(name.text, name);
    if (column === undefined) return;
    const cell = { text: token.text.slice(equals + 1), at: token.at + equals + 1 };
    this.#cell(cell, column, values);
  }

  #cell(
    { text, at }: Token,
    column: ParameterColumn | undefined,
    values: Map<ColumnName, readonly number[]>,
  ): void {
    // The header has told already that it does not know this column.
    if (column === undefined) return;
    if (values.has(column.name)) {
      this.#mistake({ text, at }, `${column.name} is given twice`);
      return;
    }
    values.set(column.name, []);
    if (column.name === "burst") this.#burst = { text, at };
    try {
      values.set(column.name, parseValues(text, column));
    } catch (error) {
      if (!(error instanceof CellMistake)) throw error;
      this.#mistake({ text: "x".repeat(error.length), at: at + error.at }, error.message);
    }
  }

  #surplus(token: Token, columns: number): void {
    const further = furtherColumns.map((name) => `${name}=`).join(", ");
    this.#mistake(
      token,
      this.#header
        ? `the header names ${columns} columns, and here is one more`
        : `${columns} columns by position at most; further ones have names: ${further}`,
    );
  }

  #missing(values: ReadonlyMap<ColumnName, unknown>): void {
    const missing = mainColumns.filter((name) => name !== "law" && !values.has(name));
    if (missing.length === 0) return;
    const end = this.#text.trimEnd().length;
    this.#mistake({ text: "", at: end }, `missing: ${missing.join(", ")}`);
  }

  /** As komon load says of --burst. */
  #vainBurst(values: ReadonlyMap<ColumnName, readonly number[]>): void {
    const burst = arrivalNames.indexOf("burst");
    if (this.#burst === undefined || values.get("arrivals")?.every((kind) => kind === burst))
      return;
    this.#mistake(this.#burst, "burst says nothing without arrivals=burst");
  }

  #column(name: string, token: Token): ParameterColumn | undefined {
    const column = columnOf(name);
    if (column !== undefined) return column;
    const meant = nearest(name.toLowerCase(), knownNames);
    const hint = meant ? `did you mean ${meant}?` : `columns are ${columnNames.join(", ")}`;
    this.#mistake(token, `"${name}" is no column; ${hint}`);
    return undefined;
  }

  #mistake({ text, at }: Token, what: string): void {
    const { file } = this;
    const length = text.length;
    this.mistakes.push({ file, line: this.#line, column: at + 1, length, what, text: this.#text });
  }
}

/** Words between blanks, up to a comment. */
function tokensOf(line: string): Token[] {
  const code = line.replace(/(^|\s)#.*$/, "");
  return [...code.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index }));
}
