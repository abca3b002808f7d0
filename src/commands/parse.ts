/** Reads argv strictly against a command's declared arguments. Pure: values or a usage error. */
import { KomonError, usageError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Arg, Args } from "./args.ts";

export interface Parsed {
  readonly help: boolean;
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys of the flags that were given. */
  readonly given: readonly string[];
  /** What stood after `--`, when the command takes it. */
  readonly rest: readonly string[];
}

export interface Grammar {
  /** The whole command as typed, for messages: `komon load`. */
  readonly path: string;
  readonly args: Args;
  readonly allowRest: boolean;
}

export function parseArgv(argv: readonly string[], grammar: Grammar): Parsed {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const ours = argv.slice(0, end);
  const after = argv.slice(end + 1);
  // Asked for help among other things, help is the answer, even beside a mistake.
  if (ours.some((word) => word === "--help" || word === "-h")) {
    return { help: true, values: {}, given: [], rest: [] };
  }
  const reader = new Reader(ours, grammar);
  if (!grammar.allowRest) reader.positionals.push(...after);
  const { given } = reader;
  return { help: false, values: reader.finish(), given, rest: grammar.allowRest ? after : [] };
}

/** `inPort` → `in-port`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `-1`, `-2.5`, `-10us`: a value, not a flag. */
const isNegative = (word: string) => /^-\d/.test(word);
const isFlag = (word: string) => word.startsWith("-") && word !== "-" && !isNegative(word);

class Reader {
  readonly positionals: string[] = [];
  readonly #given = new Map<string, unknown[]>();
  readonly #grammar: Grammar;
  readonly #long = new Map<string, string>();
  readonly #short = new Map<string, string>();
  readonly #words: string[];

  constructor(words: readonly string[], grammar: Grammar) {
    this.#grammar = grammar;
    this.#words = [...words];
    for (const [key, arg] of Object.entries(grammar.args)) {
      if (arg.place !== "flag") continue;
      this.#long.set(flagName(key), key);
      if (arg.alias) this.#short.set(arg.alias, key);
    }
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      if (!isFlag(word) && !this.#isDigit(word)) this.positionals.push(word);
      else if (word.startsWith("--")) this.#readLong(word);
      else this.#readShort(word);
    }
  }

  get given(): readonly string[] {
    return [...this.#given.keys()];
  }

  finish(): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [key, arg] of Object.entries(this.#grammar.args)) {
      values[key] = arg.place === "flag" ? this.#flagValue(key, arg) : this.#positional(key, arg);
    }
    if (this.positionals.length > 0) {
      const surplus = this.positionals.map((word) => JSON.stringify(word)).join(" ");
      throw usageError(`${this.#grammar.path} does not take ${surplus}`, this.#seeHelp());
    }
    return values;
  }

  /** `-4`, where the command has such a letter. */
  #isDigit(word: string): boolean {
    return isNegative(word) && this.#short.has(word[1]);
  }

  #readLong(word: string): void {
    const [name, value] = cut(word.slice(2));
    const key = this.#long.get(name);
    if (key !== undefined) {
      this.#take(key, `--${name}`, value);
      return;
    }
    const negated = name.startsWith("no-") ? this.#long.get(name.slice(3)) : undefined;
    if (negated === undefined || !this.#grammar.args[negated]?.isSwitch) throw this.#unknown(word);
    if (value !== undefined) throw usageError(`--${name} takes no value, got "${value}"`);
    this.#give(negated, `--${name}`, false);
  }

  /** `-r 10`, `-r=10`, `-r10`, and switches in a bunch: `-qv`. */
  #readShort(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? "";
      const key = this.#short.get(letter);
      if (key === undefined) throw this.#unknown(at === 1 ? word : `-${letter}`);
      if (this.#grammar.args[key]?.isSwitch) this.#take(key, `-${letter}`, undefined);
      else {
        const attached = word.slice(at + 1).replace(/^=/, "");
        this.#take(key, `-${letter}`, at + 1 < word.length ? attached : undefined);
        return;
      }
    }
  }

  #take(key: string, typed: string, attached: string | undefined): void {
    const arg = this.#grammar.args[key] as Arg<unknown>;
    if (arg.isSwitch) {
      if (attached === undefined) {
        this.#give(key, typed, true);
        return;
      }
      throw usageError(
        `${typed} takes no value, got "${attached}"`,
        `use ${typed} or --no-${flagName(key)}`,
      );
    }
    const value = attached ?? this.#nextValue(typed, arg);
    this.#give(
      key,
      typed,
      within(typed, () => arg.parse(value)),
    );
  }

  #nextValue(typed: string, arg: Arg<unknown>): string {
    const next = this.#words[0];
    if (next !== undefined && (arg.verbatim || !isFlag(next))) return this.#words.shift() as string;
    const instead = next === undefined ? "" : `, got the flag ${next}`;
    const mend =
      next === undefined ? undefined : `a value that starts with - is written ${typed}=${next}`;
    throw usageError(`${typed} needs a value (${arg.hint})${instead}`, mend);
  }

  #give(key: string, typed: string, value: unknown): void {
    const list = this.#given.get(key) ?? [];
    if (list.length > 0 && !this.#grammar.args[key]?.repeat) {
      throw usageError(`${typed} is given more than once`);
    }
    this.#given.set(key, [...list, value]);
  }

  #flagValue(key: string, arg: Arg<unknown>): unknown {
    const given = this.#given.get(key);
    if (given) return arg.repeat ? given : given[0];
    if (arg.required)
      throw usageError(`--${flagName(key)} (${arg.help}) is missing`, this.#seeHelp());
    return arg.default;
  }

  #positional(key: string, arg: Arg<unknown>): unknown {
    const name = positionalName(key);
    const taken = this.positionals.splice(0, arg.place === "rest" ? this.positionals.length : 1);
    if (taken.length === 0 && arg.required) {
      throw usageError(`${name} (${arg.help}) is missing`, this.#seeHelp());
    }
    const values = taken.map((word) => within(name, () => arg.parse(word)));
    return arg.place === "rest" ? values : taken.length > 0 ? values[0] : arg.default;
  }

  #unknown(word: string): KomonError {
    const [typed] = cut(word.replace(/^-+/, ""));
    const shown = [...this.#long].filter(([, key]) => !this.#grammar.args[key]?.hidden);
    const names = shown.flatMap(([name, key]) =>
      this.#grammar.args[key]?.isSwitch ? [name, `no-${name}`] : [name],
    );
    const meant = nearest(flagName(typed).replace(/^-/, "").replaceAll("_", "-"), [
      ...names,
      "help",
    ]);
    const mend = meant ? `did you mean --${meant}?` : this.#seeHelp();
    return usageError(`${this.#grammar.path} has no flag ${cut(word)[0]}`, mend);
  }

  #seeHelp(): string {
    return `see ${this.#grammar.path} --help`;
  }
}

/** `inPort` → `IN_PORT`. */
export function positionalName(key: string): string {
  return flagName(key).replaceAll("-", "_").toUpperCase();
}

function cut(word: string): [name: string, value: string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** Puts the name of the argument before what its parser says. */
export function within<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof KomonError)) throw error;
    throw usageError(`${name}: ${error.what}`, error.mend, error.why);
  }
}
