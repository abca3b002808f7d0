/** Packets as the Internet sends them: what the probe reports of them is right, or it says that it is not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { socketAddress } from "../../src/kernel/address.ts";
import { errnoName, lastErrno, libc, monotonicNs } from "../../src/kernel/libc.ts";
import { bindSocket, closeSocket } from "../../src/kernel/socket.ts";
import { expectExact, expectIdentity } from "../support/exact.ts";
import { testUnless } from "../support/needs.ts";
import {
  type Ends,
  ethernet,
  extension,
  extensions,
  type Fragment,
  fragmentHeader,
  frame4,
  frame6,
  ipv4,
  ipv6,
  numbered,
  tagged,
  udpPacket,
} from "../support/udpFrames.ts";
import { addresses, ends4, ends6, port, type VnfOptions, Wire } from "../support/wire.ts";

const ip4 = 0x0800;
const ip6 = 0x86dd;
const routerAlert = [0x94, 4, 0, 0];
const udp = 17;
const udpLite = 136;
const AF_INET = 2;
const SOCK_DGRAM = 2;

let wire: Wire;
beforeAll(async () => {
  wire = await Wire.open();
});
afterAll(() => wire[Symbol.asyncDispose]());

/** It is gone since 7.1. */
function lacksUdpLite(): string | undefined {
  const socket = libc.socket(AF_INET, SOCK_DGRAM, udpLite);
  if (socket < 0 && /EPROTONOSUPPORT|ESOCKTNOSUPPORT/.test(errnoName(lastErrno()))) {
    return "this kernel has no UDP-Lite";
  }
  if (socket >= 0) closeSocket(socket);
  return undefined;
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/**
 * Sends packets, each of some frames, to a VNF that mirrors them one by one; the probe's account of it. `refused` is the
 * kernel's count of those that it keeps from the VNF.
 */
async function through(
  packets: readonly (readonly Uint8Array[])[],
  options: VnfOptions = {},
  refused = () => 0,
) {
  using vnf = wire.vnf(options);
  using watched = wire.probe();
  watched.sampleAll();
  const putNs: number[] = [];
  for (const frames of packets) {
    putNs.push(monotonicNs());
    const before = refused();
    wire.send(...frames);
    while (vnf.mirror() === 0 && refused() === before) await Bun.sleep(1);
  }
  return { vnf: vnf.seen, putNs, records: watched.read(), coverage: watched.coverage };
}

describe("each packet is matched, and seen at all points:", () => {
  const kinds: [string, (payload: Uint8Array) => Uint8Array][] = [
    ["IPv4", (payload) => frame4(ends4, payload)],
    ["IPv6", (payload) => frame6(ends6, payload)],
    [
      "IPv4 options",
      (payload) => ethernet(ip4, ipv4(ends4, udpPacket(ends4, payload), undefined, routerAlert)),
    ],
    ...[8, 24, 256].map((bytes): [string, (payload: Uint8Array) => Uint8Array] => [
      `IPv6 hop-by-hop options of ${bytes} bytes, then destination options`,
      (payload) => {
        const inner = [...extension(udp, bytes), ...udpPacket(ends6, payload)];
        const outer = [...extension(extensions.destination), ...inner];
        return ethernet(ip6, ipv6(ends6, outer, extensions.hopByHop));
      },
    ]),
  ];
  test.each(kinds)("%s", async (_, frame) => {
    const got = await through(numbers(23).map((seq) => [frame(numbered(seq))]));
    expectExact(got, 23);
    expect(got.coverage).toMatchObject({ seen: 23, no_nic: 0, no_tx: 0 });
  });
});

/** UDP of IPv6 with length 0 that the stack freed: it does on 7.3, not on 6.18. */
function freed(): number {
  const counts = readFileSync(`/proc/${wire.world.pid}/net/snmp6`, "utf8");
  return Number(/^Udp6InErrors\s+(\d+)$/m.exec(counts)?.[1]);
}

test("UDP of IPv6 with length 0 (RFC 2675) is as long as its packet, or none where the kernel frees it", async () => {
  const frames = numbers(23).map((seq) => {
    const whole = udpPacket(ends6, numbered(seq));
    const sum = whole[6] * 256 + whole[7] + whole.length; // the length is in it twice, and leaves it once
    const mended = (sum & 0xffff) + (sum >> 16);
    return [
      ethernet(
        ip6,
        ipv6(ends6, [...whole.slice(0, 4), 0, 0, mended >> 8, mended & 255, ...whole.slice(8)]),
      ),
    ];
  });
  const before = freed();
  const got = await through([[frame6(ends6, numbered(0))], ...frames], {}, freed);
  const taken = 24 - (freed() - before);
  expect([1, 24]).toContain(taken);
  expectExact({ ...got, putNs: got.putNs.slice(0, taken) }, taken);
  expect(got.coverage).toMatchObject({ seen: taken, matched_rewritten: 0 });
});

describe("each packet is matched; that it was not seen at nic is said:", () => {
  test("a priority tag (VLAN 0)", async () => {
    const got = await through(numbers(23).map((seq) => [tagged(frame4(ends4, numbered(seq)), 0)]));
    expectExact(got, 23);
    expect(got.coverage).toMatchObject({ seen: 23, no_nic: 23 });
    expect(got.records.values("total").length).toBe(0);
    expect(got.records.values("service").length).toBe(23);
  });

  const inOrder = (frames: Uint8Array[]) => frames;
  const reversed = (frames: Uint8Array[]) => frames.toReversed();
  test.each([
    ["IPv4", "in order", fragments4, inOrder],
    ["IPv4", "the last first", fragments4, reversed],
    ["IPv6", "in order", fragments6, inOrder],
    ["IPv6", "the last first", fragments6, reversed],
  ])("%s fragments, %s", async (_family, _order, fragments, arrange) => {
    const got = await through(
      numbers(23).map((seq) => arrange(fragments(numbered(seq, 2000), seq))),
    );
    expectExact(got, 23);
    expect(got.coverage.seen).toBe(23);
    expect(got.coverage.no_nic + got.records.values("total").length).toBe(23);
  });
});

describe("what is no packet of the VNF's is not counted:", () => {
  const other = { ...ends4, toPort: port + 1 };
  const kinds: [string, Uint8Array][] = [
    ["another port", frame4(other, numbered(1))],
    ["another host's address", frame4({ ...ends4, to: addresses.peer4 }, numbered(1))],
    ["another VLAN", tagged(frame4(ends4, numbered(1)), 7)],
    ["a UDP length beyond the packet", corrupt(frame4(ends4, numbered(1)), 38, 0xff)],
    ["a UDP length below its header", corrupt(frame4(ends4, numbered(1)), 39, 4)],
    ["a header checksum that is wrong", corrupt(frame4(ends4, numbered(1)), 24, 1)],
    ["a lone fragment", fragments4(numbered(1, 2000), 9)[0]],
    ["cut off within the UDP header", frame4(ends4, numbered(1)).slice(0, 38)],
  ];
  test.each(kinds)("%s", async (_, frame) => {
    using vnf = wire.vnf();
    using watched = wire.probe();
    wire.send(frame, frame4(ends4, numbered(5)));
    await watched.seen(1);
    expect(vnf.mirror()).toBe(1);
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 1, matched: 1, expired: 0 });
  });

  testUnless(lacksUdpLite(), "UDP-Lite on the same port", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe();
    const lite = wire.socket(AF_INET, SOCK_DGRAM, udpLite);
    expect(lite).toBeGreaterThanOrEqual(0);
    try {
      bindSocket(lite, socketAddress(addresses.vnf4, port));
      const frame = frame4(ends4, numbered(1));
      wire.send(ethernet(ip4, liteOf(frame)), frame);
      await watched.seen(1);
      expect(vnf.mirror()).toBe(1);
      const buffer = new Uint8Array(new ArrayBuffer(100));
      expect(libc.recvfrom(lite, buffer, 100, 0x40, null, null)).toBe(64);
      expectIdentity(watched.coverage);
      expect(watched.coverage).toMatchObject({ seen: 1, matched: 1, unknown_reads: 0 });
    } finally {
      closeSocket(lite);
    }
  });
});

test("packets whose checksum is wrong are counted as freed by the stack, and shift no pair", async () => {
  using vnf = wire.vnf();
  using watched = wire.probe();
  watched.sampleAll();
  const payload = numbered(1, 200); // the kernel looks at short ones (76 bytes) before it looks for the socket
  const bad = ethernet(ip4, ipv4(ends4, udpPacket(ends4, payload, true)));
  const good = frame4(ends4, payload); // the same payload: only order tells them apart
  const putNs: number[] = [];
  for (let round = 0; round < 23; round++) {
    wire.send(bad, bad);
    putNs.push(monotonicNs());
    wire.send(good);
    wire.send(bad);
    if (round % 3 === 0) vnf.mirror();
  }
  while (vnf.seen.length < 23) {
    await Bun.sleep(1);
    vnf.mirror();
  }
  const { coverage, records } = watched;
  expectExact({ vnf: vnf.seen, putNs, records, coverage }, 23);
  expect(coverage.expired).toBe(coverage.seen - 23);
});

function fragments4(payload: Uint8Array, id: number): Uint8Array[] {
  const whole = udpPacket(ends4, payload);
  return cut(whole, id).map(([part, fragment]) => ethernet(ip4, ipv4(ends4, part, fragment)));
}

function fragments6(payload: Uint8Array, id: number): Uint8Array[] {
  const whole = udpPacket(ends6, payload);
  return cut(whole, id).map(([part, fragment]) =>
    ethernet(ip6, ipv6(ends6, [...fragmentHeader(udp, fragment), ...part], 44)),
  );
}

/** Into two, as a link of MTU 1300 or so would. */
function cut(whole: readonly number[], id: number): [number[], Fragment][] {
  const at = 1208;
  return [
    [whole.slice(0, at), { id, offset: 0, more: true }],
    [whole.slice(at), { id, offset: at, more: false }],
  ];
}

function corrupt(frame: Uint8Array, at: number, by: number): Uint8Array {
  const copy = frame.slice();
  copy[at] = by;
  return copy;
}

/** The same packet as UDP-Lite (RFC 3828): its checksum covers all, so only the protocol in it differs. */
function liteOf(frame: Uint8Array): number[] {
  const payload = frame.slice(42);
  const ends: Ends = ends4;
  const inner = udpPacket(ends, payload);
  const sum = inner[6] * 256 + inner[7] - (136 - 17);
  inner[6] = (sum >> 8) & 255;
  inner[7] = sum & 255;
  const packet = ipv4(ends, inner);
  packet[9] = 136;
  const head = packet[10] * 256 + packet[11] - (136 - 17);
  packet[10] = (head >> 8) & 255;
  packet[11] = head & 255;
  return packet;
}
