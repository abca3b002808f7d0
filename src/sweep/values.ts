import { KomonError } from "../base/errors.ts";
import type { ParameterColumn } from "./columns.ts";

/** A mistake inside a cell: `at` counts characters from the cell's start. */
export class CellMistake extends Error {
  constructor(
    message: string,
    readonly at: number,
    readonly length: number,
  ) {
    super(message);
  }
}

/** So many values in one cell are surely a slip. */
const mostValues = 100_000;

/**
 * The values of a cell: one (`1000`), a list (`1k,10k,100k`), a range with its step (`0..500/100`,
 * both ends included) or its factor (`1k..64k*2`), or a list of these.
 * *Fails when* anything is amiss, with a {@link CellMistake} that knows the place.
 */
export function parseValues(text: string, column: ParameterColumn): number[] {
  const values: number[] = [];
  let at = 0;
  for (const part of text.split(",")) {
    if (part === "") throw new CellMistake("a value is missing here", at, 1);
    values.push(...parsePart(part, at, column));
    at += part.length + 1;
  }
  return values;
}

function parsePart(part: string, at: number, column: ParameterColumn): number[] {
  const dots = part.indexOf("..");
  if (dots < 0) return [parseOne(part, at, column)];
  const operator = part.slice(dots).search(/[/*]/);
  if (operator < 0) {
    const message = `a range needs a step or a factor: ${part}/STEP or ${part}*FACTOR`;
    throw new CellMistake(message, at, part.length);
  }
  const split = dots + operator;
  const first = parseOne(part.slice(0, dots), at, column);
  const last = parseOne(part.slice(dots + 2, split), at + dots + 2, column);
  const place = at + split + 1;
  const by = part.slice(split + 1);
  const values =
    part[split] === "/"
      ? steps(first, last, parseStep(by, place, column))
      : factors(first, last, parseFactor(by, place));
  if (values !== undefined) return values.map((value) => inUnit(value, column));
  throw new CellMistake(`more than ${mostValues} values`, at, part.length);
}

function parseOne(text: string, at: number, column: ParameterColumn): number {
  const value = parseAny(text, at, column);
  const { min, max } = column;
  if (value < min || value > max)
    throw new CellMistake(`"${text}" is not ${column.is}${bounds(column)}`, at, text.length);
  return value;
}

function bounds({ min, max, show = String }: ParameterColumn): string {
  return max === Number.MAX_SAFE_INTEGER
    ? `, ${show(min)} or more`
    : `, ${show(min)} to ${show(max)}`;
}

function parseAny(text: string, at: number, column: ParameterColumn): number {
  try {
    return column.parse(text);
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    throw new CellMistake(`"${text}" is not ${column.is}`, at, Math.max(1, text.length));
  }
}

function parseStep(text: string, at: number, column: ParameterColumn): number {
  const step = parseAny(text, at, column);
  if (step > 0) return step;
  throw new CellMistake("a step has to be above 0", at, Math.max(1, text.length));
}

function parseFactor(text: string, at: number): number {
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (factor > 1) return factor;
  throw new CellMistake("a factor has to be a number above 1", at, Math.max(1, text.length));
}

/** Each value is computed from the first one, so that no rounding adds up; downwards too. */
function steps(first: number, last: number, step: number): number[] | undefined {
  const count = Math.floor(Math.abs(last - first) / step + 1e-9) + 1;
  if (count > mostValues) return undefined;
  const signed = last < first ? -step : step;
  return Array.from({ length: count }, (_, index) => first + index * signed);
}

function factors(first: number, last: number, factor: number): number[] | undefined {
  if (first === 0) return [first];
  const count = Math.floor(Math.abs(Math.log(last / first)) / Math.log(factor) + 1e-9) + 1;
  if (count > mostValues) return undefined;
  const signed = last < first ? 1 / factor : factor;
  return Array.from({ length: count }, (_, index) => first * signed ** index);
}

/** Whole ns, bytes and counts; rates to a millionth. */
function inUnit(value: number, column: ParameterColumn): number {
  return column.whole ? Math.round(value) : Math.round(value * 1e6) / 1e6;
}
