/** IPv4 and IPv6 prefixes as numbers: enough to say whether two of them overlap. */
import { isIP } from "node:net";
import { usageError } from "../base/errors.ts";

export interface Prefix {
  readonly family: 4 | 6;
  /** The network address; bits after `length` are zero. */
  readonly first: bigint;
  readonly length: number;
}

/** `198.18.0.0/15`, `fd00::/8`; an address without a length is a prefix of one address. */
export function parsePrefix(text: string): Prefix {
  const [address = "", lengthText] = text.split("/", 2);
  const family = isIP(address);
  if (family !== 4 && family !== 6) throw notAPrefix(text);
  const bits = bitsOf(family);
  if (lengthText !== undefined && !/^\d{1,3}$/.test(lengthText)) throw notAPrefix(text);
  const length = lengthText === undefined ? bits : Number(lengthText);
  if (length > bits) throw notAPrefix(text);
  const value = family === 4 ? valueOf4(address) : valueOf6(address);
  const hostBits = BigInt(bits - length);
  return { family, first: (value >> hostBits) << hostBits, length };
}

/** True when an address lies in both. */
export function overlap(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(bitsOf(a.family) - Math.min(a.length, b.length));
  return a.first >> shift === b.first >> shift;
}

/** The `index`th prefix of `length` bits within `range`. */
export function subnet(range: Prefix, length: number, index: number): Prefix {
  const first = range.first + (BigInt(index) << BigInt(bitsOf(range.family) - length));
  return { family: range.family, first, length };
}

/** The address `offset` places after the first of the prefix, as text. */
export function addressIn(prefix: Prefix, offset: number): string {
  const value = prefix.first + BigInt(offset);
  return prefix.family === 4 ? text4(value) : text6(value);
}

export function formatPrefix(prefix: Prefix): string {
  return `${addressIn(prefix, 0)}/${prefix.length}`;
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function valueOf4(address: string): bigint {
  return address.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function valueOf6(address: string): bigint {
  const plain = address.replace(/%.*$/, "").replace(/[\d.]+\.\d+$/, (tail) => {
    const value = valueOf4(tail);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::", 2);
  const words = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const left = words(head);
  const right = words(tail ?? "");
  const gap = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...gap, ...right].reduce((value, w) => (value << 16n) | BigInt(`0x${w}`), 0n);
}

function text4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
}

/** The longest run of zero words becomes `::`, as RFC 5952 wants it. */
function text6(value: bigint): string {
  const words = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  const full = words.map((word) => word.toString(16)).join(":");
  const runs = full.match(/(?<![^:])0(:0)+(?![^:])/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return full;
  const at = full.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  const before = full.slice(0, at).replace(/:$/, "");
  const after = full.slice(at + longest.length).replace(/^:/, "");
  return `${before}::${after}`;
}

function notAPrefix(text: string): Error {
  return usageError(`"${text}" is not an address range`, "write it as 198.18.0.0/15 or fd00::/48");
}
