/** Whatever somebody types or writes: it is understood, or refused with a KomonError; nothing else is ever thrown. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KomonError } from "../../../src/base/errors.ts";
import { parseBytes, parseDurationNs, parseInteger, parseRate } from "../../../src/base/units.ts";
import type { Definition } from "../../../src/commands/define.ts";
import { commands } from "../../../src/commands/index.ts";
import { flagName, parseArgv } from "../../../src/commands/parse.ts";
import { parseEndpoint } from "../../../src/kernel/address.ts";
import { parseObjective } from "../../../src/monitor/slo.ts";
import { parseHostList } from "../../../src/probing/hosts.ts";
import { parseResultName } from "../../../src/results/names.ts";
import { boundTo, queueIn } from "../../../src/run/socketQueue.ts";
import { mistakesError } from "../../../src/sweep/mistakes.ts";
import { parseParameters } from "../../../src/sweep/parameters.ts";
import { parsePrefix } from "../../../src/testbed/prefix.ts";
import { expectOnlyKomonErrors } from "./onlyKomonErrors.ts";

const udp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 0100007F:04D2 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 4711 2 0000000000000000 17
`;

const loopback = boundTo(["127.0.0.1"]);

/** Readers of text, each with texts that it takes, for others to be made from. */
const readers: Readonly<Record<string, readonly [read: (text: string) => unknown, ...string[]]>> = {
  durations: [(text) => parseDurationNs(text), "500ms", "2s", "1.5us", "100ns", "1h"],
  rates: [(text) => parseRate(text), "10k", "2.5M", "1000"],
  sizes: [(text) => parseBytes(text), "64KiB", "128", "1M"],
  integers: [(text) => parseInteger(text), "-7", "1000000", "0"],
  endpoints: [parseEndpoint, "10.0.0.2:1234", "[::1]:1234", "localhost:1", "[fe80::1%lo]:9"],
  prefixes: [parsePrefix, "198.18.0.0/15", "fd00::/8", "::ffff:1.2.3.4/96", "1.2.3.4"],
  objectives: [parseObjective, "service.p99<200us", "sojourn.rate >= 10k", "queue.max<=1ms"],
  "host lists": [parseHostList, "10.0.0.1\n# none\n ::1 name\r\n"],
  "result names": [
    parseResultName,
    "VNF_1000pps_128byte_0.1_50_1000_10_3_2.log",
    "BUFFER_1pps_1byte_0_0_1_1.log",
  ],
  "/proc/net/udp": [(text) => queueIn(text, 1234, loopback), udp],
  "parameter files": [
    (text) => {
      const { mistakes } = parseParameters(text, "file");
      if (mistakes.length > 0) expect(mistakesError(mistakes)).toBeInstanceOf(KomonError);
    },
    "# INTERVALS PACKETS SLEEP PPS SIZE DELAY LAW\n10 100 0.1 1000 128 0..50/10 0\n1 1 0 1k,2k 64 0 1\n",
  ],
};

/** Any text, and texts of the reader's own with pieces cut out, put in and repeated. */
function texts(own: readonly string[]): fc.Arbitrary<string> {
  const signs = fc.constantFrom(
    ..." \t\n\r\0\x1b/:.,;#%-+*eE[]()<>=_0179",
    "..",
    "999999999999999999999",
    "NaN",
    "é",
    "\ud800",
    "\u202e",
    "__proto__",
  );
  const piece = fc.oneof(signs, fc.string({ maxLength: 5 }), fc.constantFrom(...own));
  const changed = fc
    .tuple(fc.constantFrom(...own), fc.nat(200), fc.nat(10), fc.array(piece, { maxLength: 4 }))
    .map(([text, at, cut, put]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + put.join("") + text.slice(from + cut);
    });
  return fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.array(piece).map((all) => all.join("")),
    changed,
    changed,
  );
}

describe("reading", () => {
  for (const [name, [read, ...own]] of Object.entries(readers)) {
    test(name, () => {
      for (const text of own) read(text);
      const property = fc.property(texts(own), (text) => expectOnlyKomonErrors(() => read(text)));
      fc.assert(property, { numRuns: 1000 });
    });
  }

  test("/proc/net/udp is added up", () => {
    expect(queueIn(udp + udp.split("\n")[1], 1234, loopback)).toEqual({
      bytes: 2 * 0xa00,
      drops: 34,
    });
    expect(queueIn(udp, 1235, loopback)).toEqual({ bytes: 0, drops: 0 });
  });
});

describe("command lines", () => {
  const odd = [
    "",
    "-",
    "--",
    "---",
    "-=",
    "--=",
    "--help=",
    "--no-",
    "-vvv",
    "é",
    "\0",
    "-1",
    "0x10",
    "1e9",
    "\ud800",
  ];

  test.each(Object.keys(commands))("of komon %s", async (name) => {
    const { definition } = (await commands[name].load()).default as { definition?: Definition };
    if (!definition) return; // a group: its commands are of the same kind
    const args = definition.args ?? {};
    const flags = Object.keys(args).map((key) => `--${flagName(key)}`);
    const word = fc.oneof(
      fc.constantFrom(...odd, ...flags, ...flags.map((flag) => `${flag}=`), "1234", "10k", "1s"),
      fc.string({ maxLength: 6 }),
      fc
        .tuple(fc.constantFrom("", ...flags), fc.string({ maxLength: 6 }))
        .map(([flag, text]) => `${flag}=${text}`),
    );
    const property = fc.property(fc.array(word, { maxLength: 8 }), (argv) =>
      expectOnlyKomonErrors(() =>
        parseArgv(argv, { path: `komon ${name}`, args, allowRest: definition.allowRest ?? false }),
      ),
    );
    fc.assert(property, { numRuns: 200 });
  });
});
