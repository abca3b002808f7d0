import {
  formatNs,
  parseBytes,
  parseDurationNs,
  parseInteger,
  parseNumber,
  parseRate,
} from "../base/units.ts";
import { laws } from "../model/laws.ts";
import { gaps, largest } from "../model/run.ts";

/** A column of a parameter file. */
export interface ParameterColumn {
  readonly name: ColumnName;
  /** Other names for it in a header, KOMon's own among them. */
  readonly aliases: readonly string[];
  /** What a value is, for messages: `"x" is not …`. */
  readonly is: string;
  readonly min: number;
  readonly max: number;
  /** Whether a value has to be whole, in the unit it is kept in. */
  readonly whole: boolean;
  /** Reads one value into the unit komon keeps it in; throws when it is none. */
  readonly parse: (text: string) => number;
  /** A bound for people; as a plain number without it. */
  readonly show?: (value: number) => string;
  /** What the numbers stand for, where they are names. */
  readonly names?: readonly string[];
}

export type ColumnName = MainColumn | FurtherColumn;

/** The columns of 2019, in their order. */
export const mainColumns = [
  "intervals",
  "packets",
  "sleep",
  "pps",
  "size",
  "delay",
  "law",
] as const;
export type MainColumn = (typeof mainColumns)[number];

/** Columns beyond those of 2019: given by name. */
export const furtherColumns = [
  "rep",
  "seed",
  "gap",
  "hooks",
  "ipv6",
  "cpu",
  "workers",
  "shared_socket",
  "buffer",
  "drop",
  "reorder",
  "duplicate",
  "arrivals",
  "burst",
  "flows",
  "identical",
] as const;
export type FurtherColumn = (typeof furtherColumns)[number];

/** Those that say how to measure, not how often. */
export const optionColumns = furtherColumns.filter((name) => name !== "rep");
export type OptionColumn = Exclude<FurtherColumn, "rep">;

/** The names of hooks and arrivals, as `komon run --hooks` and `komon load --arrivals` know them. */
export const hookNames = ["auto", "fentry", "kprobe", "tracepoint"] as const;
export const arrivalNames = ["constant", "poisson", "burst"] as const;
const noYes = ["no", "yes"] as const;

const definitions: Readonly<Record<ColumnName, Definition>> = {
  intervals: count("a number of intervals", largest.intervals),
  packets: { ...count("a number of packets", largest.packets), aliases: ["samples"] },
  sleep: {
    aliases: ["interval", "interval_s", "pause"],
    is: "a pause in seconds (or with a unit, such as 100ms)",
    min: 0,
    max: largest.sleepNs,
    whole: true,
    show: formatNs,
    parse: (text) => parseDurationNs(withUnit(text, "s")),
  },
  pps: {
    aliases: ["rate"],
    is: "a rate in packets per second, such as 1000 or 10k",
    min: 0.001,
    max: largest.pps,
    whole: false,
    parse: parseRate,
  },
  size: {
    aliases: ["bytes", "packetsize"],
    is: "a payload in bytes",
    min: 0,
    max: largest.sizeBytes,
    whole: true,
    parse: parseBytes,
  },
  delay: {
    aliases: ["delay_us"],
    is: "a delay in microseconds (or with a unit, such as 500ns or 1ms)",
    min: 0,
    max: largest.delayNs,
    whole: true,
    show: formatNs,
    parse: (text) => parseDurationNs(withUnit(text, "us")),
  },
  law: {
    ...choice(
      `a law: ${laws.map(({ name }, number) => `${number} (${name})`).join(", ")}`,
      laws.map(({ name }) => name),
    ),
    aliases: ["dist", "distribution"],
  },
  rep: { ...count("a repetition", largest.rep), aliases: ["repetition"] },
  seed: { ...count("a seed", Number.MAX_SAFE_INTEGER), min: 0 },
  gap: choice(`a gap: ${gaps.join(", ")}`, gaps),
  hooks: choice(`a rung: ${hookNames.join(", ")}`, hookNames),
  ipv6: choice("yes or no", noYes),
  cpu: { ...count("the number of a CPU", 65_535), min: 0 },
  workers: count("a number of workers", largest.workers),
  shared_socket: choice("yes or no", noYes),
  buffer: {
    ...count("a size of the receive buffer in bytes", largest.bufferBytes),
    min: 2048,
    parse: parseBytes,
  },
  drop: chance(),
  reorder: chance(),
  duplicate: chance(),
  arrivals: choice(`arrivals: ${arrivalNames.join(", ")}`, arrivalNames),
  burst: count("packets per burst", largest.burst),
  flows: count("a number of flows", largest.flows),
  identical: choice("yes or no", noYes),
};

type Definition = Omit<ParameterColumn, "name">;

function count(is: string, max: number): Definition {
  return { aliases: [], is, min: 1, max, whole: true, parse: parseInteger };
}

function chance(): Definition {
  const is = "a chance from 0 to 1";
  return { aliases: [], is, min: 0, max: 1, whole: false, parse: parseNumber };
}

/** A name, or its number. */
function choice(is: string, names: readonly string[]): Definition {
  const parse = (text: string) => {
    const at = names.indexOf(text);
    return at >= 0 ? at : parseInteger(text);
  };
  return { aliases: [], is, min: 0, max: names.length - 1, whole: true, parse, names };
}

/** A plain number gets the column's own unit. */
function withUnit(text: string, unit: string): string {
  return /\d$/.test(text) ? text + unit : text;
}

export const columnNames = [...mainColumns, ...furtherColumns];

const byName = new Map<string, ParameterColumn>();
for (const name of columnNames) {
  const column = { name, ...definitions[name] };
  for (const known of [name, ...column.aliases]) byName.set(known, column);
}

/** The column of this name or alias, as typed in a header or before `=`. */
export function columnOf(name: string): ParameterColumn | undefined {
  return byName.get(name.toLowerCase());
}

/** Every name by which a column goes. */
export const knownNames: readonly string[] = [...byName.keys()];
