import { closeSync, openSync, readSync } from "node:fs";
import { KomonError } from "../base/errors.ts";
import { reasonOf } from "./system.ts";

/** What is wrong with a row of a file. */
export interface RowProblem {
  readonly file: string;
  /** 1…; 0 when it concerns the file as a whole. */
  readonly line: number;
  readonly what: string;
}

/** The numbers of one row. The same object is used for every row: copy what is to stay. */
export class Row {
  readonly cells = new Float64Array(32);
  columns = 0;
  /** Digits behind the decimal point of the last cell; -1 when it has no point. */
  decimals = -1;
  line = 0;
}

export interface LineOptions {
  /** Permitted numbers of columns. */
  readonly columns: readonly number[];
  /** The first line, when it has to be a header. */
  readonly header?: string;
  /** Whether a cell may be empty; it then reads as NaN. */
  readonly emptyCells?: boolean;
  /** A text makes the row a problem and leaves it out. */
  readonly onRow: (row: Row) => string | undefined;
  readonly onProblem: (problem: RowProblem) => void;
}

const chunkBytes = 1 << 20;
const newline = 10;
/** So many bad rows, and more of them than good ones: the file is something else. */
const tooManyBadRows = 100;

/**
 * Reads rows of decimal numbers separated by `;` from a file, a megabyte at a time, byte by byte and
 * without an object per row. Bad rows go to `onProblem` and reading continues.
 * *Fails when* the file cannot be read.
 */
export function readLines(file: string, options: LineOptions): void {
  const reader = new LineReader(file, options);
  try {
    const handle = openSync(file, "r");
    try {
      reader.read(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (error instanceof KomonError) throw error;
    throw new KomonError({ what: `cannot read ${file}`, why: reasonOf(error) });
  }
}

class LineReader {
  readonly #row = new Row();
  #good = 0;
  #bad = 0;
  #givenUp = false;

  constructor(
    private readonly file: string,
    private readonly options: LineOptions,
  ) {}

  read(handle: number): void {
    const bytes = new Uint8Array(chunkBytes);
    let held = 0;
    for (;;) {
      const got = readSync(handle, bytes, held, bytes.length - held, null);
      if (got === 0) break;
      const used = this.#lines(bytes, held + got);
      held += got - used;
      if (held === bytes.length) this.#giveUp("a line is longer than a megabyte");
      if (this.#givenUp) return;
      bytes.copyWithin(0, used, used + held);
    }
    if (held > 0) this.#problem("the last line has no line end: it may be cut off", 1);
  }

  /** Handles the whole lines among the first `length` bytes and returns how many bytes they are. */
  #lines(bytes: Uint8Array, length: number): number {
    let start = 0;
    while (!this.#givenUp) {
      const end = bytes.indexOf(newline, start);
      if (end < 0 || end >= length) break;
      this.#row.line++;
      this.#line(bytes, start, bytes[end - 1] === 13 && end > start ? end - 1 : end);
      start = end + 1;
    }
    return start;
  }

  #line(bytes: Uint8Array, start: number, end: number): void {
    const { header } = this.options;
    if (this.#row.line === 1 && header !== undefined) {
      const found = text(bytes, start, end);
      if (found !== text(new TextEncoder().encode(header))) {
        this.#giveUp(`the header is "${found}", not "${header}"`);
      }
      return;
    }
    const objection = this.#objection(bytes, start, end);
    if (objection === undefined) this.#good++;
    else this.#problem(objection);
  }

  #objection(bytes: Uint8Array, start: number, end: number): string | undefined {
    const { columns, emptyCells, onRow } = this.options;
    if (start === end) return "the line is empty";
    if (!parseRow(bytes, start, end, this.#row, emptyCells === true)) {
      return `"${text(bytes, start, end)}" is not a row of numbers`;
    }
    if (!columns.includes(this.#row.columns)) {
      return `${this.#row.columns} columns, and ${columns.join(" or ")} are expected`;
    }
    return onRow(this.#row);
  }

  #problem(what: string, after = 0): void {
    this.options.onProblem({ file: this.file, line: this.#row.line + after, what });
    if (++this.#bad >= tooManyBadRows && this.#bad > this.#good) {
      this.#giveUp("most rows are bad: the rest of the file is not read");
    }
  }

  #giveUp(what: string): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    this.options.onProblem({ file: this.file, line: this.#row.line, what });
  }
}

/** `-`, digits, a point and digits, separated by `;`. False when something else is there. */
function parseRow(
  bytes: Uint8Array,
  start: number,
  end: number,
  row: Row,
  emptyCells: boolean,
): boolean {
  let column = 0;
  let at = start;
  for (;;) {
    let value = 0;
    let digits = 0;
    let decimals = -1;
    const negative = bytes[at] === 0x2d && at < end;
    if (negative) at++;
    for (; at < end; at++) {
      const digit = bytes[at] - 0x30;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        digits++;
        if (decimals >= 0) decimals++;
      } else if (digit === -2 && decimals < 0) {
        decimals = 0;
      } else break;
    }
    if (digits === 0 && (!emptyCells || negative || decimals >= 0)) return false;
    if (digits > 20 || column === row.cells.length) return false;
    if (decimals > 0) value /= 10 ** decimals;
    row.cells[column++] = digits === 0 ? Number.NaN : negative ? -value : value;
    row.decimals = decimals;
    if (at === end) break;
    if (bytes[at++] !== 0x3b) return false;
  }
  row.columns = column;
  return true;
}

/** For messages: printable, and at most 200 characters. */
function text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const cut = bytes.subarray(start, Math.min(end, start + 200));
  const printable = new TextDecoder().decode(cut).replace(/[^\x20-\x7e]/g, "?");
  return end - start > 200 ? `${printable}…` : printable;
}
