/** The tests of one rung of the VNF probe: each packet seen, each matched, each with its truth. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import type { SpanRecords } from "../../src/model/records.ts";
import type { Rung } from "../../src/probes/vnf/hooks.ts";
import { VnfProbe, type VnfProbeOptions } from "../../src/probes/vnf/probe.ts";
import { joinTruth } from "../../src/results/join.ts";
import {
  Client,
  Exerciser,
  identical,
  numbered,
  type Order,
  type Stamps,
  truthOf,
} from "./exerciser.ts";
import { testUnless } from "./needs.ts";
import {
  count,
  expectAll,
  expectIdentity,
  expectTruth,
  hasIpv6,
  lacking,
  missedBy,
  nothingElse,
  recordsOf,
  type Watched,
} from "./vnfWatch.ts";

/** Ports that one probe can watch. */
const places = 16;

/** In a file of its own for each rung: emulated kernels are slow. */
export function testRung(rung: Rung): void {
  const lack = lacking(rung);
  const on = (name: string, body: () => Promise<void>) => testUnless(lack, name, body);

  describe(`the VNF probe, ${rung}`, () => {
    let probe: VnfProbe;
    let shared: { readonly probe: VnfProbe; ports: number } | undefined;
    beforeAll(() => {
      if (lack === undefined) probe = open();
    });
    afterAll(() => {
      probe?.[Symbol.dispose]();
      shared?.probe[Symbol.dispose]();
    });

    /** At a thread's first receive call the tracepoint rung does not know the thread yet, nor its buffer. */
    const firstUnknown = rung === "tracepoint" ? 1 : 0;

    function open(options: VnfProbeOptions = {}): VnfProbe {
      return VnfProbe.open({ hooks: rung, vnfs: places, ...options });
    }

    /** A probe with room for so many more ports that has missed nothing so far: what it missed it holds for unsent. */
    function openShared(ports: number): VnfProbe {
      if (!shared || missedBy(shared.probe) > 0 || shared.ports + ports > places) {
        shared?.probe[Symbol.dispose]();
        shared = { probe: open(), ports: 0 };
      }
      shared.ports += ports;
      return shared.probe;
    }

    interface Passed extends Watched {
      readonly records: SpanRecords;
      readonly stamps: Stamps;
    }

    /** Sends `sent` packets through a VNF that is watched from its first packet on. */
    async function passOnce(
      order: Omit<Order, "count">,
      payload: (i: number) => Uint8Array,
      sent: number,
      on: VnfProbe,
    ): Promise<Passed & { missed: number }> {
      const clientHost = order.host === "::" ? "127.0.0.1" : order.host;
      const target = order.host === "::" ? "::ffff:127.0.0.1" : order.host;
      await using server = await Exerciser.open(order.host);
      using client = new Client(clientHost);
      const watched = { probe: on, vnf: on.watch(server.port) };
      const before = missedBy(on);
      on.sample(watched.vnf, 1, sent);
      const connected = order.client !== undefined ? { client: client.port } : {};
      const mirroring = server.mirror({ ...order, host: target, ...connected, count: sent });
      client.send(server.port, sent, payload);
      const stamps = await mirroring;
      if (!order.silent) client.receive(sent);
      const missed = missedBy(on) - before;
      return { ...watched, records: recordsOf(watched), stamps, missed };
    }

    /**
     * Where the kernel left out runs of the programs, packets are missing: again then. A kernel that always does is none to
     * measure on. `attempt` watches so many ports, and returns how many runs were left out.
     */
    async function untilWhole(ports: number, attempt: (on: VnfProbe) => Promise<number>) {
      for (let pass = 0; pass < 5; pass++) {
        if ((await attempt(openShared(ports))) === 0) return;
      }
      throw new Error("packets were missed in 5 passes of 5");
    }

    /** A pass without wrong pairs, and when it is whole its account. */
    async function pass(
      order: Omit<Order, "count">,
      payload: (i: number) => Uint8Array,
      check: (passed: Passed) => void,
    ): Promise<void> {
      await untilWhole(1, async (on) => {
        const passed = await passOnce(order, payload, count, on);
        const { records, stamps, missed } = passed;
        expectIdentity(passed);
        expectTruth(records, truthOf(stamps), 0, missed);
        if (missed === 0) check(passed);
        return missed;
      });
    }

    on("has proved itself", async () => {
      expect(probe.proof).toEqual({ is: "yes" });
      for (const point of ["rx", "read", "send"] as const) {
        expect(probe.hooks.get(point)?.rung).toBe(rung);
      }
      expect([...probe.hooks.keys()].sort()).toEqual(["nic", "read", "rx", "send", "tx"]);
    });

    on("costs the verifier little: loading is what a start waits for", async () => {
      const costs = [...probe.programs()].map(([name, info]) => [name, info.verifiedInstructions]);
      expect(costs.filter(([, instructions]) => Number(instructions) > 30_000)).toEqual([]);
    });

    const calls: Omit<Order, "count" | "host">[] = [
      { receive: "recvfrom", send: "sendto" },
      { receive: "read", send: "write", client: 0 },
      { receive: "recvmsg", send: "sendmsg" },
      { receive: "recvmsg", send: "sendmsg", split: 40 },
      { receive: "recvmmsg", send: "sendmmsg" },
      { receive: "readv", send: "writev", client: 0, split: 48 },
      { receive: "recvmmsg", send: "sendto", client: 0 },
      { receive: "recvfrom", send: "sendmmsg", copy: true },
    ];
    for (const host of ["127.0.0.1", ...(hasIpv6 ? ["::1", "::"] : [])]) {
      const name = host === "::" ? "IPv4 on an IPv6 socket" : host === "::1" ? "IPv6" : "IPv4";
      on(`every way to receive and send: ${name}, with other and with equal payloads`, async () => {
        for (const call of calls) {
          for (const payload of [numbered(64), identical(64)]) {
            await pass({ ...call, host }, payload, ({ probe, vnf }) => {
              expect({ ...call, ...probe.coverage(vnf) }).toMatchObject({
                ...{ ...call, ...nothingElse, no_tx: 0, no_nic: 0 },
                ...{ seen: count, matched: count, delivered: count },
              });
            });
          }
        }
      });
    }

    on("packets of every size, from none to the largest", async () => {
      for (const host of hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
        const largest = host === "::1" ? 65_527 : 65_507;
        for (const bytes of [0, 1, 7, 31, 33, 1473, largest]) {
          await pass(
            { host, receive: "recvfrom", send: "sendto" },
            numbered(bytes),
            ({ probe, vnf }) => {
              const coverage = probe.coverage(vnf);
              // Page fragments can only be read where they were received to: see the first packet below.
              const byOrder = coverage.matched_by_order;
              expect(byOrder).toBeLessThanOrEqual(bytes === largest ? firstUnknown : 0);
              expect({ bytes, ...coverage }).toMatchObject({
                ...{ ...nothingElse, matched_by_order: byOrder },
                ...{ bytes, seen: count, matched: count },
              });
            },
          );
        }
      }
    });

    const host = "127.0.0.1";

    on("a VNF that rewrites its packets: by buffer in place, else by order", async () => {
      const rewrite = { host, receive: "recvmsg", send: "sendmsg", rewrite: true } as const;
      await pass(rewrite, numbered(64), ({ probe, vnf }) => {
        const byOrder = probe.coverage(vnf).matched_by_order;
        expect(byOrder).toBeLessThanOrEqual(firstUnknown);
        expect(probe.coverage(vnf)).toMatchObject({
          ...nothingElse,
          ...{ seen: count, matched: count, matched_rewritten: count, matched_by_order: byOrder },
        });
      });
      await pass({ ...rewrite, copy: true }, numbered(64), ({ probe, vnf }) => {
        expect(probe.coverage(vnf)).toMatchObject({
          ...nothingElse,
          ...{ seen: count, matched: count, matched_rewritten: count, matched_by_order: count },
        });
      });
    });

    on("a VNF that looks with MSG_PEEK first, empty packets too", async () => {
      const peek = { host, receive: "recvfrom", send: "sendto", peek: true } as const;
      for (const bytes of [64, 0]) {
        await pass(peek, numbered(bytes), (passed) => expectAll(passed, count, 0));
      }
    });

    on("a receive call with less room than the packet has bytes", async () => {
      const little = { host, receive: "recvfrom", send: "sendto", most: 40 } as const;
      await pass(little, numbered(64), ({ probe, vnf }) => {
        expect(probe.coverage(vnf)).toMatchObject({
          ...{ seen: count, matched: count, unaccounted: 0, unknown_reads: 0 },
        });
      });
    });

    on(
      "packets that waited in the socket before the probe came are told from those after",
      async () => {
        await using server = await Exerciser.open("127.0.0.1");
        using client = new Client("127.0.0.1");
        client.send(server.port, 5, (i) => numbered(64)(1000 + i));
        using fresh = open();
        const vnf = fresh.watch(server.port);
        fresh.sample(vnf, 1, count);
        client.send(server.port, count, numbered(64));
        const stamps = await server.mirror({
          ...{ host: "127.0.0.1", receive: "recvfrom", send: "sendto", count: 5 + count },
        });
        expect(fresh.coverage(vnf)).toMatchObject({
          ...{ seen: count, matched: count, unknown_reads: 5, unaccounted: 0, in_flight: 0 },
        });
        const records = recordsOf({ probe: fresh, vnf });
        expect(Array.from(records.seq.subarray(0, records.length))).toEqual(
          Array.from({ length: count }, (_, i) => i + 1),
        );
        const { pairs, wrongPairs } = joinTruth(records, truthOf(stamps));
        expect({ pairs, wrongPairs }).toEqual({ pairs: count, wrongPairs: 0 });
      },
    );

    on(
      "a receive buffer that overflows: each packet that was lost is counted as the stack's",
      async () => {
        await using server = await Exerciser.open("127.0.0.1", 16 * 1024);
        using client = new Client("127.0.0.1");
        const vnf = probe.watch(server.port);
        const sent = 997;
        client.send(server.port, sent, numbered(512));
        const received = await server.drain();
        expect(received).toBeGreaterThan(0);
        expect(received).toBeLessThan(sent);
        const coverage = probe.coverage(vnf);
        expect(coverage).toMatchObject({
          seen: sent,
          matched: 0,
          unaccounted: 0,
          unknown_reads: 0,
        });
        expect(coverage.expired_by.stack).toBe(sent - received);
        // And the ledger is in step: what comes now is matched.
        const mirroring = server.mirror({
          ...{ host: "127.0.0.1", receive: "recvfrom", send: "sendto", count },
        });
        client.send(server.port, count, numbered(64));
        await mirroring;
        expect(probe.coverage(vnf)).toMatchObject({
          seen: sent + count,
          matched: count,
          unaccounted: 0,
        });
      },
    );

    on("several ports at once, each with its own counts", async () => {
      await using one = await Exerciser.open("127.0.0.1");
      await using two = await Exerciser.open("127.0.0.1");
      using client = new Client("127.0.0.1");
      const vnfs = [one, two].map(({ port }) => probe.watch(port));
      const order = { host: "127.0.0.1", receive: "recvfrom", send: "sendto" } as const;
      for (const vnf of vnfs) probe.sample(vnf, 1, 2 * count);
      const before = missedBy(probe);
      const mirroring = [
        one.mirror({ ...order, count }),
        two.mirror({ ...order, count: 2 * count }),
      ] as const;
      for (let i = 0; i < count; i++) {
        client.send(one.port, 1, () => numbered(64)(i));
        client.send(two.port, 2, (k) => numbered(64)(2 * i + k));
      }
      const stamps = await Promise.all(mirroring);
      client.receive(3 * count);
      const records = recordsOf({ probe, vnf: vnfs[0] });
      const missed = missedBy(probe) - before;
      expectTruth(records, truthOf(...stamps), 0, missed);
      vnfs.forEach((vnf, i) => {
        const rows = records.vnf.subarray(0, records.length).filter((each) => each === vnf);
        expect(rows.length).toBe(probe.coverage(vnf).matched);
        expectAll({ probe, vnf }, (i + 1) * count, missed);
      });
    });

    on("one thread for two ports: what it leaves of one is no loss of the other", async () => {
      const order = { host, receive: "recvfrom", send: "sendto" } as const;
      await untilWhole(2, async (on) => {
        await using server = await Exerciser.open(host);
        using client = new Client(host);
        const before = missedBy(on);
        const first = on.watch(server.port);
        client.send(server.port, 5, numbered(64));
        await server.mirror({ ...order, silent: true, count: 5 });
        await server.move(host);
        const second = on.watch(server.port);
        const mirroring = server.mirror({ ...order, count: 100 }); // more than a thread holds
        client.send(server.port, 100, numbered(64));
        await mirroring;
        for (const vnf of [first, second]) expectIdentity({ probe: on, vnf });
        const missed = missedBy(on) - before;
        if (missed > 0) return missed;
        const [left, served] = [on.coverage(first), on.coverage(second)];
        expect(left).toMatchObject({ seen: 5, matched: 0, expired: 5, in_flight: 0 });
        expect(left.expired_by.unsent).toBe(5);
        expect(served).toMatchObject({ seen: 100, matched: 100, expired: 0, in_flight: 0 });
        return 0;
      });
    });

    on("two threads at one socket", async () => {
      const each = 10 * count;
      const order = { host, receive: "recvfrom", send: "sendto", count: each } as const;
      // They preempt each other: where that may be inside a program, the kernel leaves runs out in every pass.
      for (let pass = 1, leftOut = 1, missed = 1; missed > 0; pass++) {
        if (pass > 5 && leftOut === 0) throw new Error("packets were missed in 5 passes of 5");
        if (pass > 5) return;
        await using one = await Exerciser.open(host);
        await using two = await one.twin();
        using client = new Client(host);
        const on = openShared(1);
        const watched = { probe: on, vnf: on.watch(one.port) };
        on.sample(watched.vnf, 1, 2 * each);
        const before = missedBy(on);
        const mirroring = [one.mirror(order), two.mirror(order)] as const;
        client.send(one.port, 2 * each, numbered(64));
        const stamps = await Promise.all(mirroring);
        const records = recordsOf(watched);
        leftOut = missedBy(on) - before;
        // A thread that lost the CPU between taking its packet and telling of it is passed over by the other.
        missed = leftOut + on.coverage(watched.vnf).expired_by.unread;
        expectAll(watched, 2 * each, missed);
        expectIdentity(watched);
        expectTruth(records, truthOf(...stamps), 0, missed);
      }
    });
  });
}
