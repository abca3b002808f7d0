/** What flags of komon probe do: to the packets, as the far end sees them, to the pace, and to what is printed. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { far, near, Pair } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
const second = { v4: "10.77.0.31", v6: "fd77::31" } as const;
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
  await pair.world.ip("addr", "add", `${second.v4}/24`, "dev", "near");
  await pair.world.ip("addr", "add", `${second.v6}/64`, "dev", "near", "nodad");
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("at the far end", () => {
  test.each([
    [far.v4, [], `tos=0 ttl=64 df=false from=${near.v4}`],
    [far.v4, ["-O", "184"], "tos=184 ttl=64 "],
    [far.v6, ["--tos", "184"], "tos=184 ttl=64 "],
    [far.v4, ["-H", "9"], "ttl=9 "],
    [far.v6, ["--ttl", "9"], "ttl=9 "],
    [far.v4, ["-M"], "df=true "],
    [far.v4, ["-S", second.v4], `from=${second.v4}`],
    [far.v6, ["--source", second.v6], `from=${second.v6}`],
    [far.v4, ["-I", "near"], `from=${near.v4}`],
  ])("%s %j: %s", async (target, flags, seen) => {
    await using watching = pair.spawnFar("headers", "far");
    await watching.says(/ready/);
    const { said, report } = await pair.probeJson(target, "-c", "2", "-p", "5ms", ...flags);
    expect(said.code).toBe(0);
    expect(report.hosts[0]).toMatchObject({ sent: 2, received: 2 });
    await watching.says(/from=.*\n.*from=.*\n/);
    const lines = watching.stdout.trimEnd().split("\n").slice(1);
    expect(lines.filter((line) => line.includes(seen))).toHaveLength(2);
  });

  test("UDP and TCP leave from the source, too", async () => {
    for (const kind of ["--udp", "--tcp"]) {
      const words = [far.v4, kind, "9", "-S", second.v4, "-c", "1", "-p", "5ms"];
      const { report } = await pair.probeJson(...words);
      expect(report.hosts[0]).toMatchObject({ sent: 1, received: 1 });
    }
    const said = await pair.probe(far.v4, "-c", "1", "-S", "10.99.0.1");
    expect(said.stderr).toContain("10.99.0.1");
    expect(said.code).not.toBe(0);
  });
});

test("--host-rate holds for each host, --gap between any two probes", async () => {
  const perHost = await pair.probeJson(far.v4, far.v6, "-c", "5", "-p", "1ms", "--host-rate", "50");
  expect(perHost.report).toMatchObject({ sent: 10, received: 10, interval_ns: 20e6 });
  expect(perHost.report.duration_ns).toBeGreaterThan(4 * 20e6);
  const apart = await pair.probeJson(far.v4, far.v6, "-c", "5", "-p", "1ms", "-i", "15");
  expect(apart.report).toMatchObject({ sent: 10, received: 10, interval_ns: 30e6 });
  expect(apart.report.duration_ns).toBeGreaterThan(4 * 30e6);
});

test("-D puts the time of day before each line", async () => {
  const before = Date.now() / 1e3;
  const said = await pair.probe(far.v4, "-c", "3", "-p", "5ms", "-D");
  const times = [...said.stdout.matchAll(/^\[(\d+\.\d{6})\] 64 bytes from /gm)].map(([, time]) =>
    Number(time),
  );
  expect(times).toHaveLength(3);
  expect(times[0]).toBeGreaterThanOrEqual(before - 1);
  expect(times[2]).toBeLessThanOrEqual(Date.now() / 1e3 + 1);
  expect(times).toEqual([...times].sort());
});

test("-s prints totals, also when no host has a route", async () => {
  const said = await pair.probe(far.v4, "10.77.0.99", "-c", "2", "-p", "5ms", "-t", "50ms", "-s");
  expect(said.stdout).toContain("2 targets, 1 alive, 1 unreachable\n4 probes sent, 2 answers");
  expect(said.stdout).toMatch(/\d s elapsed, \d+ probes\/s\n/);
  expect(said.stdout).toMatch(/at the hooks: \d+ packets came by, .* 2 matched, 2 dropped, 0 let/);
  const nobody = await pair.probe("192.0.2.1", "-c", "1", "-s");
  expect(nobody.code).toBe(1);
  expect(nobody.stdout).toContain("0.000 s elapsed, 0 probes/s\n");
});

test("-v says what the hook in use is", async () => {
  const said = await pair.probe(far.v4, "-c", "1", "-v", "--hooks", "xdp-generic");
  expect(said.stdout).toContain("at xdp-generic (XDP in the stack's receive path, before IP)\n");
});

describe("csv has what the JSON has", () => {
  test.each([
    ["--no-drop", ["--no-drop"], ["user_rtt_mean_ns", "user_minus_kernel_ns"]],
    ["--tcp", ["--tcp", "81"], ["answers_reset"]],
    ["--udp", ["--udp", "9"], ["answers_unreachable"]],
    ["--train", ["--train", "4"], ["train_available_p50_bps", "train_complete", "train_trains"]],
    ["--reflected", ["--reflected"], ["forward_p50_ns", "backward_mean_ns", "turnaround_min_ns"]],
  ])("of %s", async (_, flags, keys) => {
    await using reflector = pair.spawn("--reflect", "-I", "far", "--netns", "far");
    await reflector.says(/REFLECT/);
    const words = [far.v4, ...flags, "-c", "3", "-p", "10ms"];
    const said = await pair.probe(...words, "--format", "csv");
    const [head, row] = said.stdout.trimEnd().split("\n");
    const cells = new Map(head.split(",").map((key, at) => [key, row.split(",")[at]]));
    for (const key of keys) expect(Number(cells.get(key))).toBeGreaterThan(0);
    const { report } = await pair.probeJson(...words);
    expect([...keysOf(report.hosts[0])].filter((key) => !cells.has(key))).toEqual([]);
  });
});

function* keysOf(of: object, prefix = ""): Generator<string> {
  for (const [key, value] of Object.entries(of)) {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      yield* keysOf(value, `${prefix}${key}_`);
    } else yield prefix + key;
  }
}
