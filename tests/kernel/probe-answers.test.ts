/** komon probe on the real kernel: what it sends comes back and is told, on each rung. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { far, hasTcx, near, Pair, rungs, usualRung } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("answers", () => {
  test.each([
    ["auto", usualRung, far.v4],
    ["auto", usualRung, far.v6],
    ...(hasTcx ? ([["tc", "tc", far.v4]] as const) : []),
    ["xdp", "xdp-native", far.v4],
    ["xdp-native", "xdp-native", far.v6],
    ["xdp-generic", "xdp-generic", far.v4],
    ["xdp-generic", "xdp-generic", far.v6],
  ])("--hooks %s (%s): 23 sent to %s are 23 received and dropped", async (hooks, rung, target) => {
    const before = { near: await pair.counters(), far: await pair.counters("far") };
    const { said, report } = await pair.probeJson(
      ...["--icmp", target, "-c", "23", "-p", "5ms", "--hooks", hooks],
    );
    const after = { near: await pair.counters(), far: await pair.counters("far") };
    expect(said).toMatchObject({ code: 0 });
    expect(report.hosts[0]).toMatchObject({
      ...{ target, address: target, device: "near", rung, sent: 23, received: 23, loss: 0 },
      ...{ duplicates: 0, reordered: 0, late: 0, ttl: 64, errors: [], longest_outage_ns: 0 },
    });
    expect(report.counters).toMatchObject({ matched: 23, dropped: 23, passed: 0, tx_stamped: 23 });
    expect(report.counters).toMatchObject({ forged: 0, truncated: 0, stale: 0, copies: 0 });
    const { rtt } = report.hosts[0];
    expect(rtt.min_ns).toBeGreaterThan(0);
    expect(rtt.max_ns).toBeLessThan(1e9);
    expect(rtt.p50_ns).toBeGreaterThanOrEqual(rtt.min_ns ?? Number.NaN);
    expect(rtt.jitter_ns).toBeGreaterThan(0);
    // The kernel's own books: the far stack answered 23 times, ours saw none of it.
    const [replies, requests] =
      target === far.v4
        ? (["IcmpInEchoReps", "IcmpInEchos"] as const)
        : (["Icmp6InEchoReplies", "Icmp6InEchos"] as const);
    expect(after.far[requests] - before.far[requests]).toBe(23);
    expect(after.near[replies] - before.near[replies]).toBe(0);
  });

  test("are let pass with --no-drop, and a process's times stand beside", async () => {
    const before = await pair.counters();
    const { report } = await pair.probeJson(far.v4, "-c", "23", "-p", "5ms", "--no-drop");
    const after = await pair.counters();
    expect(after.IcmpInEchoReps - before.IcmpInEchoReps).toBe(23);
    expect(report.counters).toMatchObject({ matched: 23, dropped: 0, passed: 23 });
    const [{ rtt, user_rtt }] = report.hosts;
    expect(user_rtt?.min_ns).toBeGreaterThan(rtt.min_ns ?? Number.NaN);
    expect(user_rtt?.mean_ns).toBeGreaterThan(rtt.mean_ns ?? Number.NaN);
  });

  test.each(["127.0.0.1", "::1", near.v4])("come over the loopback, too: %s", async (target) => {
    for (const hooks of ["auto", "xdp-generic"]) {
      const { said, report } = await pair.probeJson(
        ...[target, "-c", "23", "-p", "2ms", "--hooks", hooks],
      );
      expect(said.code).toBe(0);
      expect(report.hosts[0]).toMatchObject({ device: "lo", sent: 23, received: 23 });
      expect(report.counters).toMatchObject({ matched: 23, dropped: 23 });
    }
  });

  test("of another ping to the same host are not touched", async () => {
    for (const hooks of rungs) {
      await using probing = pair.spawn(far.v4, "-l", "-p", "1ms", "--hooks", hooks, "-s");
      await probing.says(/icmp_seq=3 /);
      const ping = await pair.run("ping", "-c", "23", "-i", "0.01", "-w", "10", far.v4);
      expect(ping.stdout).toContain("23 packets transmitted, 23 received, 0% packet loss");
      probing.kill("SIGINT");
      expect(await probing.exited).toBe(0);
    }
  });

  test("of 1,000 hosts are told apart", async () => {
    const addresses = Array.from({ length: 1000 }, (_, n) => `10.78.${n >> 8}.${n & 255}`);
    const batch = addresses.map((address) => `addr add ${address}/32 dev far`).join("\n");
    await pair.run("sh", "-c", `printf '%s\n' '${batch}' | ip -n far -batch -`);
    await pair.world.ip("route", "add", "10.78.0.0/16", "via", far.v4);
    pair.world.write("/tmp/hosts", `# all of them\n${addresses.join("\n")}\n`);
    const { said, report } = await pair.probeJson("-f", "/tmp/hosts", "-c", "3", "-p", "100ms");
    expect(said.code).toBe(0);
    expect(report).toMatchObject({ sent: 3000, received: 3000 });
    expect(report.hosts.map(({ target }) => target)).toEqual(addresses);
    expect(report.hosts.filter(({ received }) => received !== 3)).toEqual([]);
    expect(report.counters).toMatchObject({ matched: 3000, dropped: 3000 });
  });

  test("are counted when the 32-bit number wraps", async () => {
    const first = String(2 ** 32 - 11);
    const { report } = await pair.probeJson(
      ...[far.v4, "-c", "23", "-p", "2ms", "--first-sequence", first],
    );
    expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, late: 0, duplicates: 0 });
    expect(report.counters).toMatchObject({ matched: 23, forged: 0, stale: 0 });
  });
});

describe("XDP", () => {
  test("of somebody else is named and left alone", async () => {
    await using other = pair.spawn(
      far.v4,
      "-l",
      "-p",
      "50ms",
      "-t",
      "30s",
      "--hooks",
      "xdp-native",
    );
    await other.says(/icmp_seq=2 /);
    const named = /the program "rx_xdp\w*" \(id \d+\) of somebody else is attached there/;
    for (const hooks of ["xdp", "xdp-native", "xdp-generic"]) {
      const words = [far.v4, "-c", "5", "-p", "5ms", "-t", "30s", "--hooks", hooks];
      if (!hasTcx) {
        const said = await pair.probe(...words);
        expect(said.code).toBe(3);
        expect(said.stderr).toMatch(named);
        expect(said.stderr).toContain("TCX came with Linux 6.6");
        continue;
      }
      const { said, report } = await pair.probeJson(...words);
      expect(said.code).toBe(0);
      expect(report.devices[0].rung).toBe("tc");
      expect(report.devices[0].refused[0]).toMatch(named);
      expect(report.hosts[0].received).toBe(5);
    }
    other.kill("SIGINT");
    expect(await other.exited).toBe(0);
    expect(other.stdout).toMatch(/(\d+) sent, \1 received, 0 % loss/);
  });
});

describe("a rung that cannot be", () => {
  test("is refused in the kernel's own words, and the next one taken where any will do", async () => {
    const said = await pair.probe("127.0.0.1", "-c", "1", "--hooks", "xdp-native");
    expect(said.code).toBe(3);
    expect(said.stderr).toMatch(/interface lo\n {2}why: {2}xdp-native: EOPNOTSUPP.*native/);
    const { report } = await pair.probeJson("127.0.0.1", "-c", "3", "-p", "1ms", "--hooks", "xdp");
    expect(report.devices[0].rung).toBe("xdp-generic");
    expect(report.devices[0].refused[0]).toMatch(/^xdp-native: EOPNOTSUPP/);
    expect(report.hosts[0].received).toBe(3);
  });
});
