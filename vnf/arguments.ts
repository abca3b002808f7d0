/** How the VNF's arguments are read, where they are more than a number with a unit. */
import { usageError } from "../src/base/errors.ts";
import { nearest } from "../src/base/nearest.ts";
import { parseDurationNs, parseInteger } from "../src/base/units.ts";
import { type Law, laws } from "../src/model/laws.ts";
import { largest } from "../src/model/run.ts";

const lawAliases: Readonly<Record<string, Law>> = { exponential: 1, normal1: 3, "normal0.2": 4 };

/** `50us`, `1.5ms`; a bare number is µs, as in KOMon's `-d`. */
export function delayOf(text: string): number {
  const bare = /^\d+(\.\d+)?$/.test(text);
  return parseDurationNs(bare ? `${text}us` : text, { max: largest.delayNs });
}

/** `0`…`4`, or a name. */
export function lawOf(text: string): Law {
  const names = laws.map((law) => law.name as string);
  const found = /^[0-4]$/.test(text) ? Number(text) : (lawAliases[text] ?? names.indexOf(text));
  if (found >= 0) return found as Law;
  const list = names.map((name, number) => `${number} ${name}`).join(", ");
  const meant = nearest(text, [...names, ...Object.keys(lawAliases)]);
  throw usageError(
    `there is no law "${text}"; the laws are ${list}`,
    meant && `did you mean ${meant}?`,
  );
}

/** `0`, `0,1`: CPUs and the like. */
export function numberList(text: string | undefined, name: string): number[] {
  if (text === undefined) return [];
  return text.split(",").map((one) => {
    if (!/^\d+$/.test(one.trim())) {
      throw usageError(`"${text}" is no list of numbers for ${name}`, `write it as ${name} 0,1`);
    }
    return parseInteger(one.trim());
  });
}

/** The sampling interval for column 6 of VNF_ rows: `0.1` stays as it is, `100ms` becomes `0.1`. */
export function intervalText(text: string): string {
  return /^\d+(\.\d+)?$/.test(text) ? text : String(parseDurationNs(text) / 1e9);
}

/** A new seed, small enough to be typed again. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
