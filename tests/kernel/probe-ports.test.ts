/** TCP and UDP probes, and the reflector with its stamps. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { far, Pair, type Running } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
let server: Running;
beforeAll(async () => {
  pair = await Pair.open();
  server = pair.spawnFar("listen");
  await server.says(/ready/);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
});

const quick = ["-c", "23", "-p", "5ms"];

describe.each([far.v4, far.v6])("%s", (target) => {
  test("--tcp to an open port: SYN-ACK, and no connection stays half open", async () => {
    const { said, report } = await pair.probeJson(target, "--tcp", "8080", ...quick);
    expect(said.code).toBe(0);
    expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, answers: { syn_ack: 23 } });
    expect(report.hosts[0].rtt.min_ns).toBeGreaterThan(0);
    expect(report.counters).toMatchObject({ matched: 23, tx_stamped: 23, forged: 0 });
    const { stdout } = await pair.run(
      "ip",
      "netns",
      "exec",
      "far",
      "ss",
      "-Htan",
      "state",
      "syn-recv",
    );
    expect(stdout).toBe("");
  });

  test("--tcp to a closed port: RST", async () => {
    const { report } = await pair.probeJson(target, "--tcp", "81", ...quick);
    expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, answers: { reset: 23 } });
    expect(report.counters).toMatchObject({ dropped: 23 });
  });

  test("--udp to a port that echoes", async () => {
    const { report } = await pair.probeJson(target, "--udp", "7", ...quick);
    expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, answers: { echo: 23 } });
    expect(report.counters).toMatchObject({ matched: 23, dropped: 23 });
  });

  test("--udp to a closed port: ICMP port unreachable", async () => {
    // The kernel limits how many it sends.
    const { report } = await pair.probeJson(target, "--udp", "9", "-c", "3", "-p", "50ms");
    expect(report.hosts[0].received).toBeGreaterThan(0);
    expect(report.hosts[0].answers.unreachable).toBe(report.hosts[0].received);
    expect(report.hosts[0].errors).toEqual([]);
  });

  test.each([
    ["icmp", ["--icmp"]],
    ["udp", ["--udp", "862"]],
  ])("--reflect answers %s with its stamps, checksums right", async (kind, words) => {
    const inside = ["--reflect", "-I", "far", "--netns", "far", "--format", "json"];
    await using reflector = pair.spawn(...inside.slice(0, 5));
    await reflector.says(/REFLECT far, generic XDP/);
    for (const more of [[], ["--no-drop"], ["--no-drop", "--size", "301"]]) {
      const { report } = await pair.probeJson(target, ...words, "--reflected", ...quick, ...more);
      const [host] = report.hosts;
      expect(host).toMatchObject({ sent: 23, received: 23, loss: 0 });
      const mean = (of: Readonly<Record<string, number | null>> | undefined) =>
        of?.mean_ns ?? Number.NaN;
      // Both ends read one clock here: the parts are the whole.
      const parts = mean(host.forward) + mean(host.turnaround) + mean(host.backward);
      expect(Math.abs(parts - mean(host.rtt))).toBeLessThan(1);
      expect(host.turnaround?.min_ns).toBeGreaterThan(0);
      expect(host.forward?.min_ns).toBeGreaterThan(0);
      expect(host.backward?.min_ns).toBeGreaterThan(0);
      // With --no-drop a stack that checks checksums has handed them to a socket.
      if (more.length > 0)
        expect(host.user_rtt?.min_ns).toBeGreaterThan(host.rtt.min_ns ?? Infinity);
    }
    const ping = await pair.run("ping", "-c", "5", "-i", "0.01", "-w", "5", target);
    expect(ping.stdout).toContain("5 received");
    reflector.kill("SIGINT");
    expect(await reflector.exited).toBe(0);
    expect(reflector.stdout).toContain(kind === "icmp" ? "69 ICMP and 0 UDP" : "0 ICMP and 69 UDP");
  });
});

test("the reflector answers for its own addresses alone, and for new ones soon", async () => {
  const other = "10.82.0.1";
  await pair.world.ip("route", "add", "10.82.0.0/16", "via", far.v4);
  await using reflector = pair.spawn("--reflect", "-I", "far", "--netns", "far");
  await reflector.says(/REFLECT far/);
  const words = ["--udp", "862", "--reflected", "-p", "20ms", "-t", "100ms"];
  const { report } = await pair.probeJson(other, ...words, "-c", "5");
  expect(report.hosts[0]).toMatchObject({ sent: 5, received: 0 });
  await using probing = pair.spawn(other, ...words);
  await probing.says(/no answer/);
  await pair.world.ip("-n", "far", "addr", "add", `${other}/32`, "dev", "far");
  await probing.says(/turnaround=/);
  await pair.world.ip("-n", "far", "addr", "del", `${other}/32`, "dev", "far");
  const before = probing.stdout.length;
  while (!/no answer/.test(probing.stdout.slice(before))) await probing.saysMore();
});

test("the reflector leaves somebody else's XDP alone", async () => {
  await using first = pair.spawn("--reflect", "-I", "far", "--netns", "far");
  await first.says(/REFLECT/);
  const second = await pair.probe("--reflect", "-I", "far", "--netns", "far");
  expect(second.code).toBe(3);
  expect(second.stderr).toMatch(/the program "reflector" \(id \d+\) of somebody else is attached/);
});
