/** komon probe on the real kernel: between two namespaces, on the loopback, and in bad weather. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "node:os";
import { attachedTo } from "../support/links.ts";
import { far, near, Pair, sources } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow

/** TCX came with Linux 6.6; before it, generic XDP takes its place. */
const [major = 0, minor = 0] = release().split(".").map(Number);
const hasTcx = major > 6 || (major === 6 && minor >= 6);
const usual = hasTcx ? "tc" : "xdp-generic";
const rungs = [...(hasTcx ? ["tc"] : []), "xdp-native", "xdp-generic"];

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe("answers", () => {
  test.each([
    ["auto", usual, far.v4],
    ["auto", usual, far.v6],
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

describe("the end", () => {
  test("SIGINT prints the summary; the code says whether all answered", async () => {
    for (const [target, code] of [
      [far.v4, 0],
      ["10.77.0.99", 1],
    ] as const) {
      await using probing = pair.spawn(target, "-p", "20ms", "-t", "30ms");
      await probing.says(/(icmp|seq)=\d+/);
      probing.kill("SIGINT");
      expect(await probing.exited).toBe(code);
      expect(probing.stdout).toMatch(/probe statistics ---\n\d+ sent/);
    }
  });

  test.each(rungs)("SIGKILL leaves nothing at %s", async (hooks) => {
    await using probing = pair.spawn(far.v4, "-l", "-p", "10ms", "--hooks", hooks);
    await probing.says(/icmp_seq=2 /);
    expect(attachedTo(pair.nearIndex)).toBe(1);
    const inner = await pair.run("pgrep", "-P", String(probing.pid));
    for (const pid of [probing.pid, ...inner.stdout.split("\n").filter(Boolean).map(Number)]) {
      process.kill(pid, "SIGKILL");
    }
    await probing.exited;
    while (attachedTo(pair.nearIndex) > 0) await Bun.sleep(1);
    expect(await pair.world.ip("-d", "link", "show", "near")).not.toContain("xdp");
  });

  test("an interface that is removed while probing ends it with a word", async () => {
    await pair.world.ip(..."link add gone type veth peer name gone2".split(" "));
    await pair.world.ip(..."addr add 10.90.0.1/24 dev gone".split(" "));
    await pair.world.ip("link", "set", "gone", "up");
    await pair.world.ip("link", "set", "gone2", "up");
    await using probing = pair.spawn("10.90.0.2", "-p", "20ms", "-t", "50ms");
    await probing.says(/seq=2/);
    await pair.world.ip("link", "del", "gone");
    expect(await probing.exited).toBe(1);
    expect(probing.stderr).toContain("the interface gone was removed while probing");
  });
});

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
