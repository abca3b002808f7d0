/** Packets that take another way to the VNF, or from it, than one datagram in one frame by one device. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { libc, monotonicNs } from "../../src/kernel/libc.ts";
import { closeSocket } from "../../src/kernel/socket.ts";
import { expectExact, expectIdentity, wrongRecords } from "../support/exact.ts";
import { ethernet, frame4, ipv4, macs, numbered, udpPacket } from "../support/udpFrames.ts";
import {
  addresses,
  anyDevice,
  ends4,
  port,
  type Vnf,
  type Watched,
  Wire,
} from "../support/wire.ts";

const segmentsProgram = join(import.meta.dir, "programs/segments.ts");
const ip4 = 0x0800;
const AF_INET = 2;
const SOCK_DGRAM = 2;

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.open();
});
afterAll(() => wire[Symbol.asyncDispose]());

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe("segmentation and receive offload (UDP_SEGMENT, UDP_GRO)", () => {
  const SOL_UDP = 17;
  const [UDP_SEGMENT, UDP_GRO] = [103, 104];
  const size = 200;
  const segments = 10;

  /** Where a thread reads to, and so what it read, is known from its second packet on (tracepoint rung). */
  async function acquainted(vnf: Vnf, watched: Watched): Promise<void> {
    wire.send(frame4(ends4, numbered(0)));
    await watched.seen(1);
    vnf.mirror();
    vnf.seen.pop();
  }

  /** Sends many datagrams in one call, over the loopback device, as a process that is not the VNF. */
  class Sender implements AsyncDisposable {
    readonly #child: Bun.Subprocess<"pipe", "ignore", "inherit">;

    constructor() {
      const fd = wire.socket(AF_INET, SOCK_DGRAM, 0);
      expect(libc.setsockopt(fd, SOL_UDP, UDP_SEGMENT, new Int32Array([size]), 4)).toBe(0);
      const words = [process.execPath, segmentsProgram, addresses.vnf4, port, segments, size];
      const stdio = ["pipe", "ignore", "inherit", fd] as const;
      this.#child = Bun.spawn(words.map(String), { stdio: [...stdio] });
      closeSocket(fd);
    }

    burst(): void {
      this.#child.stdin.write("\n");
      this.#child.stdin.flush();
    }

    async [Symbol.asyncDispose](): Promise<void> {
      this.#child.stdin.end();
      await this.#child.exited;
    }
  }

  test("datagrams that came as one are matched one by one", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe({}, anyDevice);
    await using sender = new Sender();
    await acquainted(vnf, watched);
    watched.sampleAll();
    const putNs: number[] = [];
    for (let burst = 0; burst < 10; burst++) {
      putNs.push(...Array(segments).fill(monotonicNs()));
      sender.burst();
      while (vnf.seen.length < (burst + 1) * segments) {
        await Bun.sleep(1);
        vnf.mirror();
      }
    }
    const { coverage, records } = watched;
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, 10 * segments, 1);
    expect([...records.seq.slice(0, records.length)]).toEqual(numbers(10 * segments));
    expect(coverage).toMatchObject({ matched_rewritten: 0, matched_by_order: 0 });
    expect(coverage.seen).toBe(1 + 10 * segments);
  });

  test("a VNF that reads them as one is measured so: one packet a read", async () => {
    using vnf = wire.vnf();
    expect(libc.setsockopt(vnf.fd, SOL_UDP, UDP_GRO, new Int32Array([1]), 4)).toBe(0);
    using watched = wire.probe({}, anyDevice);
    await using sender = new Sender();
    await acquainted(vnf, watched);
    watched.sampleAll();
    const putNs: number[] = [];
    for (let burst = 0; burst < 10; burst++) {
      putNs.push(monotonicNs());
      sender.burst();
      while (vnf.mirror() === 0) await Bun.sleep(1);
    }
    expect(vnf.seen.map(({ bytes }) => bytes)).toEqual(Array(10).fill(segments * size));
    const { coverage, records } = watched;
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, 10, 1);
    expect(coverage).toMatchObject({ seen: 11, matched_rewritten: 0, matched_by_order: 0 });
  });

  test("a VNF that sends several as one: the first is matched, the others are said to be unsent", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe({ expiryNs: 1e6 });
    watched.sampleAll();
    expect(libc.setsockopt(vnf.fd, SOL_UDP, UDP_SEGMENT, new Int32Array([size]), 4)).toBe(0);
    wire.send(...numbers(segments).map((seq) => frame4(ends4, numbered(seq, size))));
    await watched.seen(segments);
    vnf.gather(segments);
    await Bun.sleep(2);
    const { coverage, records } = watched;
    expectIdentity(coverage);
    expect(coverage).toMatchObject({ seen: segments, matched: 1, matched_rewritten: 1 });
    expect(coverage.expired_by).toMatchObject({ unsent: segments - 1 });
    expect(records.length).toBe(1);
  });
});

describe("multicast", () => {
  test("each member's copy is a packet of its own", async () => {
    const group = "239.7.7.7";
    const IP_ADD_MEMBERSHIP = 35; // struct ip_mreq: the group, the device by its address
    using first = wire.vnf({ address: "0.0.0.0", shared: "address" });
    using second = wire.vnf({ address: "0.0.0.0", shared: "address" });
    const membership = new Uint8Array([239, 7, 7, 7, ...addresses.vnf4.split(".").map(Number)]);
    for (const { fd } of [first, second]) {
      expect(libc.setsockopt(fd, 0, IP_ADD_MEMBERSHIP, membership, membership.length)).toBe(0);
    }
    using watched = wire.probe();
    watched.sampleAll();
    for (const seq of numbers(23)) {
      const ends = { ...ends4, to: group };
      const frame = ethernet(ip4, ipv4(ends, udpPacket(ends, numbered(seq))), "01:00:5e:07:07:07");
      const putNs = [monotonicNs(), monotonicNs()];
      wire.send(frame);
      while (first.seen.length < seq || second.seen.length < seq) {
        await Bun.sleep(1);
        first.mirror();
        second.mirror();
      }
      const own = [first.seen[seq - 1], second.seen[seq - 1]];
      const records = watched.read();
      expect(records.length).toBe(2);
      expect(wrongRecords(own, putNs, records)).toEqual([]);
      records.clear();
    }
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 46, matched: 46, collided: 0, lost: 0 });
  });
});

describe("AF_PACKET", () => {
  /** What the VNF sends back for a packet, as a frame of its own making. */
  const answer = (seq: number) => {
    const { from: to, to: from, toPort: fromPort } = ends4;
    const frame = frame4({ from, to, fromPort, toPort: 9998 }, numbered(seq));
    const macOf = (text: string) => text.split(":").map((part) => Number.parseInt(part, 16));
    frame.set([...macOf(macs.wire), ...macOf(macs.vnf)]);
    return frame;
  };

  test("a VNF that writes its answers to the device itself: said to be unsent", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe({ expiryNs: 1e6 });
    watched.sampleAll();
    using device = wire.packetSocket("vnf0");
    for (const seq of numbers(23)) {
      wire.send(frame4(ends4, numbered(seq)));
      while (vnf.read() < 0) await Bun.sleep(1);
      device.send(answer(seq));
    }
    await Bun.sleep(2);
    const { coverage, records } = watched;
    expectIdentity(coverage);
    expect(coverage).toMatchObject({ seen: 23, matched: 0, unmatched_sends: 0 });
    expect(coverage.expired_by).toMatchObject({ unsent: 23 });
    expect(records.length).toBe(0);
  });

  test("frames that look like the VNF's answers are none: each packet has its own", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe();
    watched.sampleAll();
    using device = wire.packetSocket("vnf0");
    const putNs: number[] = [];
    for (const seq of numbers(23)) {
      putNs.push(monotonicNs());
      wire.send(frame4(ends4, numbered(seq)));
      await watched.seen(seq);
      device.send(answer(seq)); // before it is read
      expect(vnf.mirror()).toBe(1);
      device.send(answer(seq)); // and once more after it was sent
    }
    const { coverage, records } = watched;
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, 23);
    expect(coverage).toMatchObject({ seen: 23, no_tx: 0, duplicate_sends: 0 });
    for (let row = 0; row < records.length; row++) {
      expect(records.txNs[row]).toBeLessThanOrEqual(vnf.seen[row].sentNs);
    }
  });
});

test("two probes of one VNF on one device: each has every packet", async () => {
  using vnf = wire.vnf();
  using first = wire.probe();
  using second = wire.probe();
  for (const watched of [first, second]) watched.sampleAll();
  const putNs: number[] = [];
  for (const seq of numbers(23)) {
    putNs.push(monotonicNs());
    wire.send(frame4(ends4, numbered(seq)));
    while (vnf.mirror() === 0) await Bun.sleep(1);
  }
  for (const { coverage, records } of [first, second]) {
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, 23);
    expect(coverage).toMatchObject({ seen: 23, no_nic: 0, no_tx: 0 });
  }
});
