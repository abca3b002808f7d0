/** What komon probe refuses, and what it says to it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { far, Pair, sources } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("permission", () => {
  test.each([
    ["net_raw", "CAP_NET_RAW"],
    ["net_admin", "CAP_NET_ADMIN"],
    ["sys_admin,-bpf", "CAP_BPF"],
    ["sys_admin,-perfmon", "CAP_PERFMON"],
  ])("lacking -%s, %s is named", async (without, name) => {
    const words = ["setpriv", `--bounding-set=-${without}`, ...sources, "probe", far.v4, "-c", "1"];
    const said = await pair.run(...words);
    expect(said).toMatchObject({ code: 3, stdout: "" });
    expect(said.stderr).toMatch(new RegExp(`lacks .*${name}[\\s\\S]*mend: `));
  });
});

describe("bad input", () => {
  test.each([
    [[], 2, /no host to probe/],
    [[far.v4, "--rate", "0"], 2, /--rate 0 is no rate/],
    [[far.v4, "--rate", "100M"], 2, /is no rate/],
    [[far.v4, "-c", "0"], 2, /at least 1/],
    [[far.v4, "-p", "0"], 2, /--flood/],
    [[far.v4, "--size", "8"], 2, /16 bytes carry/],
    [[far.v4, "--icmp", "--tcp", "80"], 2, /exclude each other/],
    [[far.v4, "-c", "1", "--netns", "nope"], 3, /cannot enter network namespace "nope"/],
    [[far.v4, "-c", "1", "-I", "nope"], 2, /no network interface "nope"/],
    [["-f", "/nope"], 2, /cannot read the list of hosts/],
    [["no.such.name.invalid", "-c", "1"], 2, /no.such.name.invalid: /],
    [["192.0.2.1", "-c", "1"], 1, /192.0.2.1: no route: ENETUNREACH/],
    [["--reflect"], 2, /--interface/],
  ] as const)("%j ends with %d and says why", async (words, code, says) => {
    const said = await pair.probe(...words);
    expect(said.code).toBe(code);
    expect(said.stderr).toMatch(says);
  });

  test("nothing but bad names is a report of them in every format", async () => {
    const words = ["no.such.name.invalid", "a/b", "-c", "1"];
    const { said, report } = await pair.probeJson(...words);
    expect(said.code).toBe(2);
    expect(report).toMatchObject({ schema: "komon.probe/1", sent: 0, received: 0, duration_ns: 0 });
    expect(report.counters).toMatchObject({ seen: 0, matched: 0 });
    expect(report.hosts.map(({ target, loss, errors }) => [target, loss, errors[0].count])).toEqual(
      [
        ["no.such.name.invalid", null, 1],
        ["a/b", null, 1],
      ],
    );
    const jsonl = await pair.probe(...words, "--format", "jsonl");
    expect(jsonl.stdout.trimEnd().split("\n")).toHaveLength(2);
    const csv = await pair.probe(...words, "--format", "csv");
    expect(csv.stdout).toContain("\na/b,,,,0,0,0,");
    const list = await pair.probe(...words, "-u");
    expect(list).toMatchObject({ code: 2, stdout: "no.such.name.invalid\na/b\n" });
    expect(await pair.probe(...words)).toMatchObject({ code: 2, stdout: "" });
  });

  test("names with control characters reach no terminal as they are", async () => {
    const hostile = "\x1b]0;owned\x07x\u202e";
    pair.world.write("/tmp/hostile", `${far.v4}\n${hostile}\nfe80::1%\x1b[2J\n`);
    for (const how of [[], ["-q"], ["-u"], ["-a"], ["-C", "1"], ["-s", "-v"]]) {
      const words = ["-f", "/tmp/hostile", "-t", "50ms", ...(how[0] === "-C" ? [] : ["-c", "1"])];
      const said = await pair.probe(...words, ...how);
      expect(said.code).toBe(2);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(said.stdout + said.stderr).not.toMatch(/[\x1b\x07\u202e]/);
    }
    const { report } = await pair.probeJson("-f", "/tmp/hostile", "-c", "1");
    expect(report.hosts[1].target).toBe(hostile); // data stays what it is
  });

  test("one bad name of many does not stop the rest", async () => {
    const { said, report } = await pair.probeJson(
      "no.such.name.invalid",
      far.v4,
      "-c",
      "3",
      "-p",
      "5ms",
    );
    expect(said.code).toBe(2);
    expect(report.hosts.map(({ target, received }) => [target, received])).toEqual([
      [far.v4, 3],
      ["no.such.name.invalid", 0],
    ]);
  });

  test("an interface that is down is named", async () => {
    await pair.world.ip(..."link add idle type veth peer name idle2".split(" "));
    const said = await pair.probe(far.v4, "-c", "1", "-I", "idle");
    expect(said.stderr).toMatch(/cannot probe by the interface idle\n {2}why: {2}it is down/);
    expect(said.code).toBe(3);
  });

  test("more than the MTU with DF is not sent, and said", async () => {
    const { said, report } = await pair.probeJson(
      far.v4,
      "-c",
      "2",
      "-p",
      "5ms",
      "-b",
      "2000",
      "--df",
    );
    expect(said.code).toBe(1);
    expect(report.hosts[0].errors).toEqual([
      {
        meaning: "not sent: larger than the MTU of the way, and not to be fragmented (EMSGSIZE)",
        count: 2,
      },
    ]);
  });

  test("more than the MTU without DF travels in fragments, which are stamped and not dropped", async () => {
    for (const target of [far.v4, far.v6]) {
      const { report } = await pair.probeJson(target, "-c", "5", "-p", "5ms", "-b", "4000");
      expect(report.hosts[0]).toMatchObject({ sent: 5, received: 5 });
      expect(report.counters).toMatchObject({ matched: 5, dropped: 0, passed: 5 });
    }
  });

  test("a rate above the ceiling is held at it, and said", async () => {
    const said = await pair.probe(far.v4, "-c", "5", "-p", "10us", "-q");
    expect(said.code).toBe(0);
    expect(said.stderr).toContain(
      "above the ceiling of 1000 probes/s to one host; --flood lifts it",
    );
  });
});
