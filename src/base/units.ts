/**
 * Reads and prints values with units. Reading is strict: a text is either wholly a value or a
 * usage error that shows the text and what was expected. Inside komon a duration is a plain
 * number of nanoseconds, a rate is per second, a size is in bytes.
 */
import { usageError } from "./errors.ts";

export interface Range {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

const nsPerUnit = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["µs", 1e3], // U+00B5 micro sign
  ["μs", 1e3], // U+03BC greek mu
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

const bytesPerUnit = new Map([
  ["", 1],
  ["b", 1],
  ["kb", 1e3],
  ["mb", 1e6],
  ["gb", 1e9],
  ["k", 2 ** 10],
  ["m", 2 ** 20],
  ["g", 2 ** 30],
  ["kib", 2 ** 10],
  ["mib", 2 ** 20],
  ["gib", 2 ** 30],
]);

const ratePerUnit = new Map([
  ["", 1],
  ["k", 1e3],
  ["M", 1e6],
  ["G", 1e9],
]);

/** `500ms`, `2s`, `100us`, `1.5h` → nanoseconds. A unit is needed, except for `0`. */
export function parseDurationNs(text: string, range: Range = {}): number {
  const expected = "a number with ns, us, ms, s, m or h, such as 500ms or 2s";
  if (text === "0") return inRange(0, text, range, formatNs);
  const [amount, unit] = split(text) ?? refuse(text, "a duration", expected, 0);
  const factor = nsPerUnit.get(unit) ?? refuse(text, "a duration", expected, unitAt(text, unit));
  const ns = whole(amount * factor) ?? refuse(text, "a duration", "nothing finer than 1 ns", 0);
  return inRange(ns, text, range, formatNs);
}

/** `1000`, `10k`, `2.5k`, `1M` → per second. May be zero or fractional. */
export function parseRate(text: string, range: Range = {}): number {
  const expected = "a number with k, M or G if wanted, such as 1000 or 10k";
  const [amount, unit] = split(text) ?? refuse(text, "a rate", expected);
  const factor = ratePerUnit.get(unit) ?? refuse(text, "a rate", expected, unitAt(text, unit));
  const rate = amount * factor;
  return inRange(whole(rate) ?? rate, text, range, String);
}

/** `128`, `64KiB` (also `64k`), `1.5MB` → bytes. k, M, G and KiB… count in 1024, kB… in 1000. */
export function parseBytes(text: string, range: Range = {}): number {
  const expected = "a number with k, M, G, KiB, MiB, kB or MB if wanted, such as 128 or 64KiB";
  const [amount, unit] = split(text) ?? refuse(text, "a size", expected);
  const factor =
    bytesPerUnit.get(unit.toLowerCase()) ?? refuse(text, "a size", expected, unitAt(text, unit));
  const bytes = whole(amount * factor) ?? refuse(text, "a size", "whole bytes");
  return inRange(bytes, text, range, String);
}

/** `42`, `-1` → a whole number that a double holds exactly. */
export function parseInteger(text: string, range: Range = {}): number {
  if (!/^-?\d+$/.test(text)) refuse(text, "a whole number", "digits, such as 42");
  const value = Number(text);
  if (!Number.isSafeInteger(value)) refuse(text, "a usable number", "less than 2^53");
  return inRange(value === 0 ? 0 : value, text, range, String);
}

/** `0.05`, `-1.5`, `1e-3` → a finite number. */
export function parseNumber(text: string, range: Range = {}): number {
  const value = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) refuse(text, "a number", "a decimal number, such as 0.05");
  return inRange(value, text, range, String);
}

/** `742 ns`, `5.13 µs`, `1.20 ms`, `12.3 s`: three significant digits. */
export function formatNs(ns: number): string {
  return scaled(ns, 1000, ["ns", "µs", "ms", "s"]);
}

/** `950 pps`, `10.0 kpps`, `1.25 Mpps`. */
export function formatRate(pps: number): string {
  return scaled(pps, 1000, ["pps", "kpps", "Mpps", "Gpps"]);
}

/** `128 B`, `1.50 KiB`, `64.0 KiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

/** `1,234,567`, in every locale. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return "-";
  const [digits, rest] = String(Math.abs(count)).split(".") as [string, string?];
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${count < 0 ? "-" : ""}${grouped}${rest ? `.${rest}` : ""}`;
}

/** `1 packet`, `1,234 packets`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function split(text: string): [amount: number, unit: string] | undefined {
  const match = /^(-?\d+(?:\.\d+)?)([A-Za-zµμ]*)$/.exec(text);
  if (!match) return undefined;
  const amount = Number(match[1]);
  if (amount < 0) refuse(text, "usable here", "nothing below zero");
  return [amount, match[2] ?? ""];
}

/** The nearest integer when binary rounding is all that separates them (1.1 µs is 1100 ns). */
function whole(value: number): number | undefined {
  const rounded = Math.round(value);
  if (!Number.isSafeInteger(rounded)) return undefined;
  return Math.abs(value - rounded) <= 1e-9 * Math.max(1, rounded) ? rounded : undefined;
}

function inRange(value: number, text: string, range: Range, show: (n: number) => string): number {
  const { min, max } = range;
  if (min !== undefined && value < min) refuse(text, "usable here", `at least ${show(min)}`);
  if (max !== undefined && value > max) refuse(text, "usable here", `at most ${show(max)}`);
  return value;
}

/** Where the unit begins; where it is missing, the amount is what is wrong. */
function unitAt(text: string, unit: string): number {
  return unit === "" ? 0 : text.length - unit.length;
}

/** `at`: the place to mark below the text, from there to its end; without it the text alone says enough. */
function refuse(text: string, kind: string, expected: string, at?: number): never {
  const mark =
    at === undefined ? "" : `\n  ${text}\n  ${" ".repeat(at)}${"^".repeat(text.length - at || 1)}`;
  throw usageError(`${JSON.stringify(text)} is not ${kind}; expected ${expected}${mark}`);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  if (!Number.isFinite(value)) return "-";
  let size = Math.abs(value);
  let unit = 0;
  while (unit < units.length - 1 && threeDigits(size) >= base) {
    size /= base;
    unit += 1;
  }
  const plain = unit === 0 && Number.isInteger(size);
  const digits = plain || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const text = size.toFixed(digits);
  return `${value < 0 && Number(text) !== 0 ? "-" : ""}${text} ${units[unit]}`;
}

function threeDigits(size: number): number {
  return size >= 100 ? Math.round(size) : size;
}
