/** What happens to a host while it is measured: the account stays exact, and no pair is wrong. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  komonLimit,
  komonPacketState,
  komonQueue,
  komonQueued,
} from "../../src/kernel/generated/vnf.ts";
import { monotonicNs } from "../../src/kernel/libc.ts";
import { BpfMap } from "../../src/kernel/map.ts";
import { expectExact, expectIdentity, wrongRecords } from "../support/exact.ts";
import { komonCommand } from "../support/komon.ts";
import { frame4, numbered } from "../support/udpFrames.ts";
import { addresses, ends4, Wire } from "../support/wire.ts";
import { lineOf } from "../support/world.ts";

const echo = join(import.meta.dir, "programs/echo.ts");
/** A small ring, and the records in it: 80 bytes each, and the kernel's head of 8. */
const ringBytes = 65_536;
const room = Math.floor(ringBytes / 88);
const packet = (seq: number, bytes = 200) => frame4(ends4, numbered(seq, bytes));

describe("the network", () => {
  test("a device that is renamed is measured on", async () => {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    watched.sampleAll();
    const putNs: number[] = [];
    for (let seq = 1; seq <= 23; seq++) {
      if (seq === 12) {
        for (const words of ["down", "name vnf1", "up"]) {
          const name = words === "up" ? "vnf1" : "vnf0";
          await wire.world.ip("link", "set", "dev", name, ...words.split(" "));
        }
        await wire.repair("vnf1");
      }
      putNs.push(monotonicNs());
      wire.send(packet(seq));
      while (vnf.mirror() === 0) await Bun.sleep(1);
    }
    expectExact({ vnf: vnf.seen, putNs, records: watched.read(), coverage: watched.coverage }, 23);
  });

  test("packets of a device that is gone stay in the account; one of its name is another", async () => {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    wire.send(...[1, 2, 3].map((seq) => packet(seq)));
    await watched.seen(3);
    await wire.world.ip("link", "del", "dev", "vnf0");
    expect(vnf.mirror()).toBe(3);
    expect(watched.coverage).toMatchObject({ seen: 3, matched: 3 });
    expect(watched.coverage.no_tx).toBeGreaterThan(1); // the last may be under way for all komon knows
    await wire.plug();
    wire.send(packet(4));
    await watched.seen(4);
    expect(vnf.mirror()).toBe(1);
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 4, matched: 3, filtered: 1 });
  });

  test("a namespace that is deleted takes nothing from the account", async () => {
    const wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    try {
      wire.send(packet(1), packet(2));
      await watched.seen(2);
    } finally {
      await wire[Symbol.asyncDispose](); // the VNF's socket alone keeps it now
    }
    expect(vnf.mirror()).toBe(2);
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 2, matched: 2 });
  });
});

describe("the VNF", () => {
  test("that is opened anew on its port leaves what it had not read, and no pair is wrong", async () => {
    await using wire = await Wire.open();
    using watched = wire.probe();
    watched.sampleAll();
    const payload = packet(7); // all the same: nothing but order tells them apart
    let seen = 0;
    for (let round = 0; round < 23; round++) {
      {
        using _first = wire.vnf();
        wire.send(...Array(30).fill(payload));
        seen += 30;
        await watched.seen(seen);
      }
      using second = wire.vnf();
      const putNs = Array(5).fill(monotonicNs());
      wire.send(...Array(5).fill(payload));
      seen += 5;
      while (second.seen.length < 5) {
        await Bun.sleep(1);
        second.mirror();
      }
      const records = watched.read();
      expect(records.length).toBe(5);
      expect(wrongRecords(second.seen, putNs, records)).toEqual([]);
      records.clear();
    }
    while (watched.coverage.in_flight > 0) await Bun.sleep(1); // the kernel closes in the background
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 23 * 35, matched: 23 * 5 });
    expect(watched.coverage.expired_by).toMatchObject({ stack: 23 * 30 });
  });

  test("that forked reads as two, and each packet is matched once", async () => {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    watched.sampleAll();
    const child = Bun.spawn([process.execPath, echo, `::ffff:${addresses.peer4}`, "9998"], {
      stdio: ["pipe", "pipe", "inherit", vnf.fd],
    });
    const reader = child.stdout.getReader();
    await reader.read();
    const packets = 2000;
    for (let seq = 1; seq <= packets; seq++) {
      wire.send(packet(seq));
      if (seq % 3 === 0) vnf.mirror();
      if (seq % 100 === 0) await watched.seen(seq);
    }
    // Where a task may be preempted inside a program, the kernel may leave runs out; a packet then finds no match.
    const settled = () => {
      const { matched, recursion_misses } = watched.probe.coverage(watched.number);
      return matched + recursion_misses >= packets;
    };
    while (!settled()) {
      vnf.mirror();
      await Bun.sleep(1);
    }
    child.stdin.end();
    const { value } = await reader.read();
    const echoed = Number(new TextDecoder().decode(value));
    await child.exited;
    const { records, coverage } = watched;
    expectIdentity(coverage);
    const missed = coverage.recursion_misses;
    expect(coverage).toMatchObject({ seen: packets, lost: 0 });
    expect(coverage.matched).toBeLessThanOrEqual(packets);
    expect(coverage.matched).toBeGreaterThanOrEqual(packets - 2 * missed);
    expect(echoed + vnf.seen.length).toBe(packets);
    const seqs = records.seq.slice(0, records.length).sort();
    expect(seqs.length).toBe(coverage.matched);
    const sent = Array.from({ length: packets }, (_, at) => at + 1);
    expect([...seqs]).toEqual(missed === 0 ? sent : sent.filter((seq) => seqs.includes(seq)));
    expect(new Set(records.tid.slice(0, records.length)).size).toBe(2);
    expect(echoed).toBeGreaterThan(0);
  });

  test("that is stopped is waited for, and goes on", async () => {
    await using wire = await Wire.open();
    await using vnf = await Stopped.start(wire);
    using watched = wire.probe();
    wire.send(...Array.from({ length: 23 }, (_, at) => packet(at + 1)));
    await watched.seen(23);
    expect(watched.coverage).toMatchObject({ seen: 23, matched: 0, in_flight: 23 });
    vnf.child.kill("SIGCONT");
    while (watched.coverage.matched < 23) await Bun.sleep(1);
    expectIdentity(watched.coverage);
  });
});

test("a packet that komon cannot find again does not stand in the way of others", async () => {
  const { mapOne } = BpfMap.prototype;
  const queues: DataView[] = [];
  BpfMap.prototype.mapOne = function (index, bytes) {
    const value = mapOne.call(this, index, bytes);
    if (this.name === "queues" && bytes === undefined) queues.push(value.view);
    return value;
  };
  try {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    wire.send(packet(1));
    await watched.seen(1);
    vnf.mirror(); // from now on it is known where this thread reads to
    wire.send(packet(2));
    await watched.seen(2);
    expect(watched.coverage.in_flight).toBe(1);
    expect(spoil(queues)).toBe(1);
    vnf.mirror();
    expect(watched.coverage).toMatchObject({ unknown_reads: 1, matched: 1, in_flight: 1 });
    for (let seq = 3; seq <= 102; seq++) {
      wire.send(packet(seq));
      while (vnf.mirror() === 0) await Bun.sleep(1);
    }
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ unknown_reads: 1, matched: 101, in_flight: 0 });
    expect(watched.coverage.expired_by).toMatchObject({ unread: 1 });
  } finally {
    BpfMap.prototype.mapOne = mapOne;
  }
});

/** Gives what waits in these queues of the ledger another content and skb than it has; returns how many packets that were. */
function spoil(queues: readonly DataView[]): number {
  let spoilt = 0;
  for (const view of queues) {
    for (let slot = 0; slot < komonLimit.KOMON_QUEUE_PACKETS; slot++) {
      const at = komonQueue.fields.packet.offset + slot * komonQueued.size;
      const state = view.getUint32(at + komonQueued.fields.state.offset, true);
      if (state !== komonPacketState.KOMON_QUEUED) continue;
      view.setBigUint64(at + komonQueued.fields.digest.offset, 0x4711n, true);
      view.setBigUint64(at + komonQueued.fields.skb.offset, 0x4711n, true);
      spoilt++;
    }
  }
  return spoilt;
}

describe("nobody reads", () => {
  test("the ring for 5 s: what finds no room is counted exactly, and nothing waits for it", async () => {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe({ ringBytes });
    watched.sampleAll();
    const putNs: number[] = [];
    const begin = monotonicNs();
    while (monotonicNs() - begin < 5e9 || putNs.length < 2 * room) {
      putNs.push(monotonicNs());
      wire.send(packet(putNs.length));
      if (putNs.length % 10 === 0) vnf.mirror();
      if (putNs.length > 2 * room) await Bun.sleep(1); // it is full: time is what is missing
    }
    const packets = putNs.length;
    while (vnf.seen.length < packets) {
      await Bun.sleep(1);
      vnf.mirror();
    }
    const { coverage, records } = watched;
    expectIdentity(coverage);
    expect(coverage).toMatchObject({ seen: packets, matched: packets, sampled: packets });
    expect(records.length).toBeGreaterThan(room - 10);
    expect(coverage.lost).toBe(packets - records.length);
    expect(wrongRecords(vnf.seen.slice(0, records.length), putNs, records)).toEqual([]);
    // and then it goes on
    wire.send(packet(packets + 1));
    while (vnf.mirror() === 0) await Bun.sleep(1);
    expect(watched.read().seq[records.length - 1]).toBe(packets + 1);
  });
});

/** A VNF in a process of its own that does not run. */
class Stopped implements AsyncDisposable {
  private constructor(readonly child: Bun.Subprocess<"ignore", "pipe", "inherit">) {}

  static async start(wire: Wire): Promise<Stopped> {
    const words = ["vnf", "--port", "4747", "--target", `${addresses.peer4}:9998`];
    const child = Bun.spawn(wire.world.command([...komonCommand, ...words]), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await lineOf(child.stdout, /ready/);
    child.kill("SIGSTOP");
    return new Stopped(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}
