/** Pace under control, trains, and the forms of output. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { far, Pair, type ProbeJson } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
const nobody = "10.77.0.99";
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

test("--rate holds for all hosts together", async () => {
  const words = [far.v4, far.v6, "-c", "50", "--rate", "200"];
  const { report } = await pair.probeJson(...words);
  expect(report).toMatchObject({ sent: 100, received: 100, interval_ns: 1e7 });
  // 99 gaps of 5 ms lie between the first probe and the last
  expect(report.duration_ns).toBeGreaterThan(99 * 5e6 - 20e6);
});

test("--max-in-flight holds probes back, and none is left out", async () => {
  const words = [nobody, "-c", "12", "-p", "1ms", "-t", "50ms", "--max-in-flight", "4"];
  const { said, report } = await pair.probeJson(...words);
  expect(report.hosts[0]).toMatchObject({ sent: 12, received: 0, loss: 1 });
  expect(report.duration_ns).toBeGreaterThan(3 * 50e6 - 5e6);
  const late = /(\d+) probes left late: too many were unanswered/.exec(said.stderr)?.[1];
  expect(Number(late)).toBeGreaterThanOrEqual(1);
  expect(Number(late)).toBeLessThanOrEqual(8); // the first four never had to wait
});

test("it slows down when loss rises, and not for a host that is away", async () => {
  await pair.run(..."ip netns exec far sysctl -qw net.ipv4.icmp_echo_ignore_all=1".split(" "));
  await using answering = pair.spawnFar("answer", "lose", "2");
  await answering.says(/ready/);
  const words = ["-c", "600", "-p", "1ms", "-t", "20ms"];
  const lossy = await pair.probeJson(far.v4, ...words);
  const steadfast = await pair.probeJson(far.v4, ...words, "--no-back-off");
  const away = await pair.probeJson(nobody, ...words);
  await pair.run(..."ip netns exec far sysctl -qw net.ipv4.icmp_echo_ignore_all=0".split(" "));
  expect(lossy.report.sent).toBe(600);
  expect(lossy.said.stderr).toMatch(/slowed down \d+ times because loss rose/);
  expect(steadfast.said.stderr).not.toContain("slowed down");
  expect(away.said.stderr).not.toContain("slowed down");
});

test("--train sees the rate of a token bucket on the way back", async () => {
  const bucket = "tc -n far qdisc replace dev far root tbf rate 100mbit burst 3kb latency 50ms";
  expect((await pair.run(...bucket.split(" "))).code).toBe(0);
  const { report } = await pair.probeJson(far.v4, "--train", "16", "-c", "10", "-p", "20ms");
  await pair.run(..."tc -n far qdisc del dev far root".split(" "));
  const train = report.hosts[0].train;
  expect(train).toMatchObject({ trains: 10, probes_per_train: 16, packet_bytes: 1428 });
  expect(train?.complete).toBeGreaterThan(0);
  for (const of of [train?.available, train?.capacity]) {
    expect(of?.p50_bps).toBeGreaterThan(50e6);
    expect(of?.p50_bps).toBeLessThan(150e6);
  }
});

test("jsonl is one host a line, csv one a row, with the same figures", async () => {
  const words = [far.v4, nobody, "-c", "3", "-p", "5ms", "-t", "50ms"];
  const jsonl = await pair.probe(...words, "--format", "jsonl");
  const lines = jsonl.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ schema, target, received }) => [schema, target, received])).toEqual([
    ["komon.probe/1", far.v4, 3],
    ["komon.probe/1", nobody, 0],
  ]);
  const csv = await pair.probe(...words, "--format", "csv");
  const [head, ...rows] = csv.stdout.trimEnd().split("\n");
  const table = rows.map((row) => {
    const cells = row.split(",");
    return Object.fromEntries(head.split(",").map((key, at) => [key, cells[at]]));
  });
  expect(table.map(({ target, received, loss }) => [target, received, loss])).toEqual([
    [far.v4, "3", "0"],
    [nobody, "0", "1"],
  ]);
  expect(Number(table[0].rtt_min_ns)).toBeGreaterThan(0);
  expect(table[1].rtt_min_ns).toBe("");
});

test("-C prints every time, - for none; -a and -u list; hosts come from stdin, too", async () => {
  const every = await pair.probe("-C", "3", "-q", "-p", "5", "-t", "50", far.v4, nobody);
  expect(every.stdout).toMatch(
    /^10\.77\.0\.2 {2}: 0\.\d{6} 0\.\d{6} 0\.\d{6}\n10\.77\.0\.99 : - - -\n$/,
  );
  const list = ["-p", "5", "-t", "50", far.v4, nobody];
  expect((await pair.probe("-a", ...list)).stdout).toBe(`${far.v4}\n`);
  expect((await pair.probe("-u", ...list)).stdout).toBe(`${nobody}\n`);
  const command = "printf '10.77.0.2 # one\\n\\nfd77::2\\n' |";
  const { stdout } = await pair.run(
    ...[
      "sh",
      "-c",
      `${command} "$@"`,
      "sh",
      ...pair.probeCommand("-c", "1", "-f", "-", "--format", "json"),
    ],
  );
  const report = JSON.parse(stdout) as ProbeJson;
  expect(report.hosts.map(({ target, received }) => [target, received])).toEqual([
    [far.v4, 1],
    [far.v6, 1],
  ]);
});

test("-Q prints a summary now and then", async () => {
  const said = await pair.probe(far.v4, "-q", "-Q", "0.2", "-p", "20ms", "--duration", "1s");
  expect(said.code).toBe(0);
  expect(said.stdout.match(/probe statistics ---/g)?.length).toBeGreaterThan(2);
});
