/**
 * The kinds of argument a command can declare. A declaration is plain data with a strict
 * `parse`; parse.ts walks argv with it, help.ts prints it, and its type gives the command's
 * `args` their types.
 */
import { usageError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import {
  formatNs,
  parseBytes,
  parseDurationNs,
  parseInteger,
  parseNumber,
  parseRate,
  type Range,
} from "../base/units.ts";

export interface Arg<T> {
  readonly place: "flag" | "positional" | "rest";
  /** A switch takes no value. */
  readonly isSwitch: boolean;
  readonly help: string;
  /** What stands for the value in help: `TIME`, `RATE`. */
  readonly hint: string;
  readonly parse: (text: string) => unknown;
  readonly show: (value: never) => string;
  readonly default: unknown;
  readonly required: boolean;
  readonly repeat: boolean;
  readonly hidden: boolean;
  /** Takes the next word whatever it begins with: it is another command's flags. */
  readonly verbatim: boolean;
  readonly alias: string | undefined;
  /** Carries T for inference only; never present. */
  readonly value?: T;
}

export type Args = Readonly<Record<string, Arg<unknown>>>;
export type ValuesOf<A extends Args> = {
  readonly [K in keyof A]: A[K] extends Arg<infer T> ? T : never;
};

interface Options<T> {
  readonly help: string;
  readonly default?: T;
  readonly required?: boolean;
  /** What stands for the value in help. */
  readonly hint?: string;
}

interface FlagOptions<T> extends Options<T> {
  /** One letter: `r` for `-r`. */
  readonly alias?: string;
  /** May be given several times; the value is a list, in order, empty when never given. */
  readonly repeat?: boolean;
  /** Left out of help and suggestions: for komon talking to komon. */
  readonly hidden?: boolean;
  readonly verbatim?: boolean;
}

type Given<T, O> = O extends { repeat: true }
  ? readonly T[]
  : O extends { default: {} } | { required: true }
    ? T
    : T | undefined;

interface Kind<T, More = unknown> {
  readonly hint: string;
  readonly parser: (options: More) => (text: string) => T;
  readonly show?: (value: T) => string;
}

function build<T>(
  place: Arg<T>["place"],
  kind: Kind<T, never>,
  options: FlagOptions<T>,
): Arg<never> {
  return {
    place,
    isSwitch: false,
    help: options.help,
    hint: options.hint ?? kind.hint,
    parse: kind.parser(options as never),
    show: kind.show ?? String,
    default: options.repeat ? [] : options.default,
    required: options.required ?? false,
    repeat: options.repeat ?? false,
    hidden: options.hidden ?? false,
    verbatim: options.verbatim ?? false,
    alias: options.alias,
  };
}

function asFlag<T, More = unknown>(kind: Kind<T, More>) {
  return <const O extends FlagOptions<T> & More>(options: O): Arg<Given<T, O>> =>
    build("flag", kind, options);
}

function asPositional<T, More = unknown>(kind: Kind<T, More>) {
  return <const O extends Options<T> & More>(options: O): Arg<Given<T, O>> =>
    build("positional", kind, options);
}

const text: Kind<string> = { hint: "TEXT", parser: () => (given) => given };
const int: Kind<number, Range> = {
  hint: "N",
  parser: (range) => (given) => parseInteger(given, range),
};
const float: Kind<number, Range> = {
  hint: "X",
  parser: (range) => (given) => parseNumber(given, range),
};
const duration: Kind<number, Range> = {
  hint: "TIME",
  parser: (range) => (given) => parseDurationNs(given, range),
  show: (ns) =>
    formatNs(ns)
      .replace(/(\.\d*?)0+(?= )/, "$1")
      .replace(/\.? /, ""),
};
const rate: Kind<number, Range> = {
  hint: "RATE",
  parser: (range) => (given) => parseRate(given, range),
};
const bytes: Kind<number, Range> = {
  hint: "BYTES",
  parser: (range) => (given) => parseBytes(given, range),
};
const portRange = { min: 1, max: 65535 };
const port: Kind<number> = {
  hint: "PORT",
  parser: () => (given) => parseInteger(given, portRange),
};
const ports: Kind<readonly number[]> = {
  hint: "PORT,…",
  parser: () => (given) => {
    const list = given.split(",").map((one) => parseInteger(one.trim(), portRange));
    const twice = list.find((one, at) => list.indexOf(one) !== at);
    if (twice !== undefined) throw usageError(`port ${twice} is named twice`);
    return list;
  },
  show: (list) => list.join(","),
};

function choice<const C extends string>(choices: readonly C[]): Kind<C> {
  const expected = choices.join(", ");
  return {
    hint: choices.join("|"),
    parser: () => (given) => {
      const found = choices.find((one) => one === given);
      if (found !== undefined) return found;
      const meant = nearest(given, choices);
      throw usageError(
        `${JSON.stringify(given)} is none of ${expected}`,
        meant && `did you mean ${meant}?`,
      );
    },
  };
}

/** Flags: `--name value` or `--name=value`. Ranges (`min`, `max`) are in units of the value. */
export const flag = {
  text: asFlag(text),
  int: asFlag(int),
  float: asFlag(float),
  /** In nanoseconds; `500ms 2s 5m 1h 100us 10ns`. */
  duration: asFlag(duration),
  /** Per second; `1000 10k 1M`. */
  rate: asFlag(rate),
  /** `128 64KiB 1MB`. */
  bytes: asFlag(bytes),
  port: asFlag(port),
  /** Comma list of ports, none twice. */
  ports: asFlag(ports),
  choice: <const C extends string, const O extends FlagOptions<C>>(
    choices: readonly C[],
    options: O,
  ): Arg<Given<C, O>> => asFlag(choice(choices))(options as never),
  /** No value: `--name` is true, `--no-name` false. Never undefined. */
  boolean: (options: Omit<FlagOptions<boolean>, "required" | "repeat">): Arg<boolean> => ({
    ...build("flag", { hint: "", parser: () => () => true }, options),
    isSwitch: true,
    default: options.default ?? false,
  }),
};

/** Positionals, in order of declaration; optional unless `required` or with a default. */
export const positional = {
  text: asPositional(text),
  int: asPositional(int),
  float: asPositional(float),
  duration: asPositional(duration),
  rate: asPositional(rate),
  bytes: asPositional(bytes),
  port: asPositional(port),
  choice: <const C extends string, const O extends Options<C>>(
    choices: readonly C[],
    options: O,
  ): Arg<Given<C, O>> => asPositional(choice(choices))(options as never),
  /** All that is left: none or more, one or more when `required`. Declare it last. */
  list: (options: Omit<Options<never>, "default">): Arg<readonly string[]> => ({
    ...build("rest", text as Kind<unknown>, options),
    default: [],
    repeat: true,
  }),
};
