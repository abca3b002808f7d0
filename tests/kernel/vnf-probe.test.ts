/** The VNF probe on the rung that komon takes here, against the example VNF: its faults, and its own truth. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { komonVnfOptions } from "../../src/kernel/generated/vnf.ts";
import { possibleCpus } from "../../src/kernel/map.ts";
import { rungs } from "../../src/probes/vnf/hooks.ts";
import { climb } from "../../src/probes/vnf/ladder.ts";
import { CounterMemory } from "../../src/probes/vnf/memory.ts";
import { VnfProbe, type VnfProbeOptions } from "../../src/probes/vnf/probe.ts";
import { selfTest } from "../../src/probes/vnf/selftest.ts";
import { joinTruth } from "../../src/results/join.ts";
import { readTruth } from "../../src/results/truth.ts";
import { run, top } from "../support/komon.ts";
import { testUnless } from "../support/needs.ts";
import { Folder, Sink, send, startVnf, type VnfSummary } from "../support/traffic.ts";
import { expectIdentity, expectTruth, lacking, missedBy, recordsOf } from "../support/vnfWatch.ts";

const packets = 2003;
/** An emulated machine takes fewer. */
const pace = process.env.KOMON_TEST_PPS ?? "10k";

/** The rung; that of the kernel's choice unless this variable names another. */
const hooks = (process.env.KOMON_TEST_HOOKS ?? "auto") as NonNullable<VnfProbeOptions["hooks"]>;

const faulty: [name: string, vnf: string[]][] = [
  ["drops", ["--drop", "0.2"]],
  ["reorders", ["--reorder", "0.3"]],
  ["sends twice", ["--duplicate", "0.2"]],
  ["does all of it", ["--drop", "0.1", "--reorder", "0.2", "--duplicate", "0.1"]],
  ["rewrites", ["--rewrite"]],
];

describe("the self-test", () => {
  test("names the first point that does not count, and leaves no trace in the counters", () => {
    const { object, links, chosen } = climb("auto", (opened) => {
      const constants = new DataView(opened.initialValue(".rodata.options"));
      constants.setUint32(komonVnfOptions.fields.txWatched.offset, 1, true);
      opened.map("counters").setEntries(possibleCpus());
      opened.map("histograms").setEntries(possibleCpus());
    });
    using _object = object;
    using counters = new CounterMemory(object.map("counters"), possibleCpus(), 1);
    const points = new Set(chosen.keys());
    expect(selfTest(object, points)).toEqual({ is: "yes" });
    const inOrder = [...chosen].flatMap(([point, { programs }]) => programs.map(() => point));
    for (const point of ["tx", "send", "read", "rx"] as const) {
      links.forEach((link, i) => {
        if (inOrder[i] === point) link[Symbol.dispose]();
      });
      const proof = selfTest(object, points);
      expect(proof).toMatchObject({ is: "no", point });
      expect("why" in proof && proof.why).toMatch(/^counted 0 of 23 packets .* over 127.0.0.1$/);
    }
    for (const link of links) link[Symbol.dispose]();
    expect(new Set(Object.values(counters.read(0)))).toEqual(new Set([0]));
  });

  test("cannot tell where loopback is down, and the hooks are taken all the same", async () => {
    const source = join(top, "src/probes/vnf/probe.ts");
    const script = `
      const { VnfProbe } = await import(${JSON.stringify(source)});
      using probe = VnfProbe.open();
      console.log(JSON.stringify(probe.proof));`;
    const said = await run(["unshare", "--net", process.execPath, "-e", script]);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(said.stdout)).toEqual({
      is: "cannot tell",
      why: "127.0.0.1 does not carry packets: ENETUNREACH, network is unreachable",
    });
  });
});

describe("the VNF probe, four workers", () => {
  for (const same of [false, true]) {
    // Equal payloads are the harder case; of the easier one the mixture is enough.
    for (const [name, faults] of same ? faulty : faulty.slice(-2)) {
      test(`a VNF that ${name}${same ? "; equal payloads" : ""}`, async () => {
        using probe = VnfProbe.open({ hooks });
        using folder = new Folder();
        const path = folder.file("truth");
        const vnfWords = ["--workers", "4", "--delay", "20us", "--law", "negexp", "--seed", "7"];
        await using server = await startVnf(
          ...[...vnfWords, ...faults, "--truth", path, "--format", "json"],
        );
        const vnf = probe.watch(server.ready.port);
        probe.sample(vnf, 1, packets);
        const loadWords = ["--pps", pace, "--count", `${packets}`, "--flows", "64"];
        const load = await send(
          `127.0.0.1:${server.ready.port}`,
          ...[...loadWords, ...(same ? ["--identical"] : [])],
        );
        expect(load.sent).toBe(packets);
        const { stdout } = await server.stop();
        const summary: VnfSummary = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
        const records = recordsOf({ probe, vnf });
        const coverage = probe.coverage(vnf);
        const missed = missedBy(probe);
        if (missed === 0) {
          expect(coverage).toMatchObject({
            seen: packets,
            matched: summary.sent,
            delivered: summary.sent,
            duplicate_sends: summary.sent_twice,
            ...{ unknown_reads: 0, unmatched_sends: 0, collided: 0, lost: 0 },
          });
          expect(coverage.in_flight + coverage.expired_by.unsent).toBe(summary.dropped);
        }
        expectIdentity({ probe, vnf });
        expectTruth(records, readTruth(path), summary.dropped, missed);
      });
    }
  }
});

/**
 * The VNF stops until there wait more packets than the ledger has places for, all alike. With these seeds the last one that
 * has a place is held back, or dropped, and the first that has none is sent next: from the other's buffer, or its own.
 */
for (const fault of [
  ["--reorder", "0.1", "--seed", "157"],
  ["--drop", "0.1", "--seed", "110"],
]) {
  test(`a packet that komon could not follow is not taken for another: ${fault[0]}`, async () => {
    using probe = VnfProbe.open({ hooks });
    using folder = new Folder();
    const path = folder.file("truth");
    await using server = await startVnf(...fault, "--truth", path);
    const vnf = probe.watch(server.ready.port);
    probe.sample(vnf, 1, 5000);
    server.signal("SIGSTOP");
    const load = ["--pps", pace, "--count", "5000", "--identical"];
    await send(`127.0.0.1:${server.ready.port}`, ...load);
    server.signal("SIGCONT");
    await server.stop();
    const { matched, collided } = probe.coverage(vnf);
    expect(collided).toBe(5000 - 4096);
    expectIdentity({ probe, vnf });
    const { wrongPairs, pairs } = joinTruth(recordsOf({ probe, vnf }), readTruth(path));
    expect({ wrongPairs, pairs }).toEqual({ wrongPairs: 0, pairs: matched });
  });
}

/** The tracepoint rung waits for what becomes of a send call; the others pair at once: docs/limits.md. */
for (const rung of rungs) {
  const waits = rung === "tracepoint";
  const is = waits ? "is no send" : "counts, and its second try is a duplicate";
  testUnless(lacking(rung), `${rung}: a send call that fails for now ${is}`, async () => {
    using probe = VnfProbe.open({ hooks: rung });
    const nobody = new Sink();
    nobody[Symbol.dispose](); // its port now answers with ICMP, which fails the next send call
    await using server = await startVnf("--target", nobody.address, "--format", "json");
    const vnf = probe.watch(server.ready.port);
    await send(`127.0.0.1:${server.ready.port}`, "--pps", "1k", "--count", "200");
    const { stdout } = await server.stop();
    const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
    const refused = summary.send_errors.ECONNREFUSED;
    expect(refused).toBeGreaterThan(0);
    const twice = waits ? 0 : refused;
    expect(probe.coverage(vnf)).toMatchObject({
      ...{ seen: 200, matched: 200, duplicate_sends: twice, unmatched_sends: 0, no_tx: twice },
    });
    expect(probe.histogram(vnf, "egress").histogram.count).toBe(200 - twice);
  });
}
