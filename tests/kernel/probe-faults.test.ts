/** Late, lost, doubled and reordered answers, and ICMP errors. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { far, Pair } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("the network's faults", () => {
  /** Echo requests are answered by a program that makes faults, as long as the body runs. */
  async function withFault(words: readonly string[], body: () => Promise<void>): Promise<void> {
    const ignoreAll = (on: number) =>
      pair.run(
        "ip",
        "netns",
        "exec",
        "far",
        "sysctl",
        "-qw",
        `net.ipv4.icmp_echo_ignore_all=${on}`,
      );
    await ignoreAll(1);
    await using answering = pair.spawnFar("answer", ...words);
    await answering.says(/ready/);
    try {
      await body();
    } finally {
      await ignoreAll(0);
    }
  }

  test("late answers are late, not received, and still dropped", () =>
    withFault(["delay", "60"], async () => {
      const words = ["-c", "230", "-p", "10ms", "-t", "20ms"]; // long enough that some come before its end
      const { said, report } = await pair.probeJson(far.v4, ...words);
      expect(said.code).toBe(1);
      expect(report.hosts[0]).toMatchObject({ sent: 230, received: 0, loss: 1, duplicates: 0 });
      expect(report.hosts[0].late).toBeGreaterThan(0);
      expect(report.counters.dropped).toBe(report.counters.matched);
      expect(report.counters.matched).toBeGreaterThanOrEqual(report.hosts[0].late); // some after its last look
    }));

  test("delay is measured", () =>
    withFault(["delay", "20"], async () => {
      const { report } = await pair.probeJson(far.v4, "-c", "23", "-p", "10ms");
      expect(report.hosts[0].received).toBe(23);
      expect(report.hosts[0].rtt.min_ns).toBeGreaterThan(19e6);
    }));

  test("duplicates are counted once each", () =>
    withFault(["duplicate"], async () => {
      const { report } = await pair.probeJson(far.v4, "-c", "23", "-p", "5ms");
      expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, loss: 0 });
      expect(report.hosts[0].duplicates).toBeGreaterThanOrEqual(22); // the last may be under way
      expect(report.counters.dropped).toBe(report.counters.matched + report.counters.copies);
    }));

  test("reordering is counted", () =>
    withFault(["swap"], async () => {
      const { report } = await pair.probeJson(far.v4, "-c", "46", "-p", "2ms");
      expect(report.hosts[0]).toMatchObject({ sent: 46, received: 46, reordered: 23 });
    }));

  test("changes of the TTL are counted", () =>
    withFault(["ttl"], async () => {
      const { report } = await pair.probeJson(far.v4, "-c", "23", "-p", "5ms");
      expect(report.hosts[0]).toMatchObject({ received: 23, ttl_changes: 22 });
    }));

  test("loss is loss, and an outage has a length", () =>
    withFault(["lose", "2"], async () => {
      const { said, report } = await pair.probeJson(far.v4, "-c", "46", "-p", "10ms", "-t", "1s");
      expect(said.code).toBe(0);
      expect(report.hosts[0]).toMatchObject({ sent: 46, received: 23, loss: 0.5 });
      expect(report.hosts[0].longest_outage_ns).toBeGreaterThan(5e6);
      expect(report.hosts[0].longest_outage_ns).toBeLessThan(1e9);
    }));

  test("ICMP errors are told with their meaning", async () => {
    await pair.world.ip("-n", "far", "route", "add", "unreachable", "10.79.0.0/16");
    await pair.world.ip("-n", "far", "route", "add", "prohibit", "10.80.0.0/16");
    await pair.run("ip", "netns", "exec", "far", "sysctl", "-qw", "net.ipv4.ip_forward=1");
    for (const net of ["10.79.0.0/16", "10.80.0.0/16"]) {
      await pair.world.ip("route", "add", net, "via", far.v4);
    }
    const kinds = [["--icmp"], ["--udp", "9"], ["--tcp", "80"], ["--udp", "9", "--no-drop"]];
    for (const [at, kind] of kinds.entries()) {
      const source = `10.77.0.${20 + at}`; // Linux sends only some of these errors a second to one address
      await pair.world.ip("addr", "add", `${source}/24`, "dev", "near");
      const said = async (target: string) => {
        const words = [target, ...kind, "-S", source, "-c", "1", "-t", "300ms"];
        const { said, report } = await pair.probeJson(...words);
        expect(said.code).toBe(1);
        expect(report.hosts[0]).toMatchObject({ sent: 1, received: 0, loss: 1 });
        expect(report.counters).toMatchObject({ matched: 0, dropped: 0 });
        return report.hosts[0].errors;
      };
      expect(await said("10.79.0.1")).toEqual([{ meaning: "host unreachable", count: 1 }]);
      const prohibited = "administratively prohibited (packet filtered)";
      expect(await said("10.80.0.1")).toEqual([{ meaning: prohibited, count: 1 }]);
    }
    await pair.world.ip("-n", "far", "route", "add", "10.81.0.0/16", "dev", "lo");
    await pair.world.ip("route", "add", "10.81.0.0/16", "via", far.v4);
    const { report } = await pair.probeJson("10.81.0.1", "-c", "1", "-t", "300ms", "--ttl", "1");
    expect(report.hosts[0].errors).toEqual([
      { meaning: "time to live exceeded on the way", count: 1 },
    ]);
  });
});
