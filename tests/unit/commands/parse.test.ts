import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Exit, KomonError } from "../../../src/base/errors.ts";
import { flag, positional } from "../../../src/commands/args.ts";
import { parseArgv } from "../../../src/commands/parse.ts";

const args = {
  target: positional.text({ help: "where to", required: true }),
  delta: positional.int({ help: "by how much", default: 7 }),
  pps: flag.rate({ help: "packets per second", default: 1000, alias: "r" }),
  inPort: flag.port({ help: "port" }),
  ports: flag.ports({ help: "ports" }),
  law: flag.choice(["constant", "exponential"], { help: "law", default: "constant" }),
  identical: flag.boolean({ help: "same payload", alias: "i" }),
  verbose: flag.boolean({ help: "talk", alias: "v" }),
  warmUp: flag.boolean({ help: "warm up", default: true }),
  filter: flag.text({ help: "filter", repeat: true }),
  waitGo: flag.boolean({ help: "wait", hidden: true }),
};

const parse = (line: string, allowRest = false) =>
  parseArgv(line.split(" ").filter(Boolean), { path: "komon load", args, allowRest });
const values = (line: string) => parse(line).values;

function refusal(line: string): KomonError {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof KomonError) return error;
    throw error;
  }
  throw new Error(`${line} was accepted`);
}

describe("what is accepted", () => {
  test("defaults", () => {
    expect(values("x")).toEqual({
      target: "x",
      delta: 7,
      pps: 1000,
      inPort: undefined,
      ports: undefined,
      law: "constant",
      identical: false,
      verbose: false,
      warmUp: true,
      filter: [],
      waitGo: false,
    });
  });

  test.each(["x --pps 10k", "x --pps=10k", "x -r 10k", "x -r10k", "x -r=10k", "--pps 10k x"])(
    "%s",
    (line) => expect(values(line)).toMatchObject({ target: "x", pps: 10_000 }),
  );

  test("switches, bunches of them and their negation", () => {
    expect(values("x -iv")).toMatchObject({ identical: true, verbose: true });
    expect(values("x -ir5")).toMatchObject({ identical: true, pps: 5 });
    expect(values("x --no-warm-up")).toMatchObject({ warmUp: false });
  });

  test("negative numbers are values, not flags", () => {
    expect(values("x -1")).toMatchObject({ delta: -1 });
    expect(refusal("x --in-port -1").what).toStartWith("--in-port: ");
  });

  test("a lone dash is a word, and so is all after --", () => {
    expect(values("-")).toMatchObject({ target: "-" });
    expect(values("-- --pps 3")).toMatchObject({ target: "--pps", delta: 3 });
  });

  test("what stands after -- is handed on where the command takes it", () => {
    const parsed = parse("x -- ping --help -c 3", true);
    expect(parsed.rest).toEqual(["ping", "--help", "-c", "3"]);
    expect(parsed.help).toBe(false);
  });

  test("repeated flags that may be, and empty values by =", () => {
    expect(values("x --filter a --filter=b --filter=").filter).toEqual(["a", "b", ""]);
    expect(values("x --ports 1,2,3").ports).toEqual([1, 2, 3]);
  });

  test.each(["--help", "-h", "x --bogus --help", "a b c d -h"])("%s asks for help", (line) =>
    expect(parse(line).help).toBe(true),
  );
});

describe("what is refused, and what is said", () => {
  test.each([
    ["x --inport 5", "komon load has no flag --inport", "did you mean --in-port?"],
    ["x --in_port 5", "komon load has no flag --in_port", "did you mean --in-port?"],
    ["x --inPort=5", "komon load has no flag --inPort", "did you mean --in-port?"],
    ["x --no-warmup", "komon load has no flag --no-warmup", "did you mean --no-warm-up?"],
    ["x --no-pps", "komon load has no flag --no-pps", "see komon load --help"],
    ["x --zzz", "komon load has no flag --zzz", "see komon load --help"],
    ["x --wait-og", "komon load has no flag --wait-og", "see komon load --help"],
    ["x -z", "komon load has no flag -z", "see komon load --help"],
    ["x -iz", "komon load has no flag -z", "see komon load --help"],
    ["x --pps", "--pps needs a value (RATE)", undefined],
    [
      "x --pps --law constant",
      "--pps needs a value (RATE), got the flag --law",
      "a value that starts with - is written --pps=--law",
    ],
    [
      "x --pps=",
      '--pps: "" is not a rate; expected a number with k, M or G if wanted, such as 1000 or 10k',
      undefined,
    ],
    ["x --pps 1 -r 2", "-r is given more than once", undefined],
    ["x -i -i", "-i is given more than once", undefined],
    ["x --warm-up --no-warm-up", "--no-warm-up is given more than once", undefined],
    [
      "x --identical=yes",
      '--identical takes no value, got "yes"',
      "use --identical or --no-identical",
    ],
    ["x --no-warm-up=1", '--no-warm-up takes no value, got "1"', undefined],
    ["x --law exp", '--law: "exp" is none of constant, exponential', "did you mean exponential?"],
    ["x --law zipf", '--law: "zipf" is none of constant, exponential', undefined],
    ["x --ports 1,1", "--ports: port 1 is named twice", undefined],
    ["x 1 2 3", 'komon load does not take "2" "3"', "see komon load --help"],
    ["", "TARGET (where to) is missing", "see komon load --help"],
    [
      "x --in-port 70000",
      '--in-port: "70000" is not usable here; expected at most 65535',
      undefined,
    ],
  ])("%s", (line, what, mend) => {
    const error = refusal(line);
    expect(error.what).toBe(what);
    expect(error.mend).toBe(mend);
    expect(error.exit).toBe(Exit.usage);
  });
});

test("a list takes what is left, and a required one at least one", () => {
  const grammar = (required: boolean) => ({
    path: "komon report",
    args: {
      format: positional.text({ help: "f" }),
      files: positional.list({ help: "files", required }),
    },
    allowRest: false,
  });
  expect(parseArgv(["a", "b", "c"], grammar(true)).values).toEqual({
    format: "a",
    files: ["b", "c"],
  });
  expect(parseArgv(["a"], grammar(false)).values.files).toEqual([]);
  expect(() => parseArgv(["a"], grammar(true))).toThrow("FILES (files) is missing");
});

test("whatever the words, argv gives values or a usage error", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "--",
      "-",
      "--pps",
      "--pps=",
      "-r",
      "-ri",
      "--no-",
      "--no-warm-up",
      "-1",
      "--=",
      "x",
      "--__proto__",
      "--constructor",
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.boolean(), (argv, allowRest) => {
      try {
        parseArgv(argv, { path: "komon load", args, allowRest });
      } catch (error) {
        expect((error as KomonError).exit).toBe(Exit.usage);
      }
    }),
  );
});
