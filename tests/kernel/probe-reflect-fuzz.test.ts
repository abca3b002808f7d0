/** The reflector on random frames: it answers what it is for, with right checksums, and leaves the rest as it is. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { possibleCpus } from "../../src/kernel/map.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { addressKey } from "../../src/probes/active/reflector.ts";
import { sumOf } from "../../src/probing/wire.ts";
import { Random } from "../../src/stats/random.ts";
import { echoReply, ethernetBytes, ipBytes } from "../support/echoFrames.ts";
import { frames, framesMs, seed } from "../support/probeFrames.ts";

const object = new URL("../../dist/bpf/x86/reflect.bpf.o", import.meta.url);
const verdict = { pass: 2, transmit: 3 } as const;
const port = 862;

function open(): BpfObject {
  const opened = BpfObject.open(readFileSync(object));
  new DataView(opened.initialValue(".rodata.options")).setUint16(0, port, true);
  opened.map("counters").setEntries(possibleCpus());
  opened.load();
  for (const own of ["10.0.0.1", "::1"]) {
    opened.map("addresses").update(addressKey(own), Uint8Array.of(1));
  }
  return opened;
}

/** A probe of ours to the reflector: ICMP with the magic, or STAMP. */
function probe(frame: Uint8Array, version: 4 | 6, kind: "icmp" | "udp", payloadBytes: number) {
  const cookie = 0x6b6f_6d6f_6e00_0001n;
  const bytes = echoReply(frame, { version, cookie, sequence: 7, target: 0, payloadBytes });
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  const l4 = ethernetBytes + ipBytes(version);
  if (kind === "udp") {
    frame[version === 4 ? 23 : 20] = 17;
    frame.fill(0, l4, l4 + 8 + 44);
    view.setUint16(l4, 40_000);
    view.setUint16(l4 + 2, port);
    view.setUint16(l4 + 4, 8 + payloadBytes);
  } else {
    frame[l4] = version === 4 ? 8 : 128;
    view.setUint32(l4 + 8 + 16, 0x4b4d_4f4e);
    view.setUint16(l4 + 2, 0);
    view.setUint16(l4 + 2, ~checksum(frame, version, bytes) & 0xffff);
  }
  if (version === 4) {
    view.setUint16(24, 0);
    view.setUint16(24, ~swapped(sumOf(frame.subarray(14, 34))) & 0xffff);
  }
  return bytes;
}

const swapped = (sum: number) => ((sum & 0xff) << 8) | (sum >> 8);

/** Of all that a checksum at layer 4 covers, in network order; 0xffff when the checksum in it is right. */
function checksum(frame: Uint8Array, version: 4 | 6, bytes: number): number {
  const l4 = ethernetBytes + ipBytes(version);
  const protocol = frame[version === 4 ? 23 : 20];
  const covered = frame.subarray(l4, bytes);
  if (version === 4 && protocol === 1) return swapped(sumOf(covered));
  const addresses = version === 4 ? frame.subarray(26, 34) : frame.subarray(22, 54);
  const pseudo = Uint8Array.of(0, protocol, covered.length >> 8, covered.length & 0xff);
  const padded = new Uint8Array(covered.length + (covered.length % 2));
  padded.set(covered);
  return swapped(sumOf(Buffer.concat([addresses, pseudo, padded])));
}

test.each([
  [4, "icmp"],
  [6, "icmp"],
  [4, "udp"],
  [6, "udp"],
] as const)("IPv%d %s comes back swapped, stamped and with right checksums", (version, kind) => {
  using opened = open();
  using run = new TestRun(opened.program("reflector").fd);
  for (let payloadBytes = 64; payloadBytes < 64 + 130; payloadBytes++) {
    const bytes = probe(run.frame, version, kind, payloadBytes);
    const sent = run.frame.slice(0, bytes);
    expect(run.run(bytes).result).toBe(verdict.transmit);
    const came = run.after.slice(0, bytes);
    const l4 = ethernetBytes + ipBytes(version);
    expect(came.slice(0, 6)).toEqual(sent.slice(6, 12));
    expect(came.slice(6, 12)).toEqual(sent.slice(0, 6));
    const [from, to, length] = version === 4 ? [26, 30, 4] : [22, 38, 16];
    expect(came.slice(from, from + length)).toEqual(sent.slice(to, to + length));
    expect(came.slice(to, to + length)).toEqual(sent.slice(from, from + length));
    if (version === 4) expect(sumOf(came.subarray(14, 34))).toBe(0xffff);
    const view = new DataView(came.buffer);
    const isUnsummed = kind === "udp" && version === 4;
    if (isUnsummed) expect(view.getUint16(l4 + 6)).toBe(0);
    else expect(checksum(came, version, bytes)).toBe(0xffff);
    const stamp = l4 + 8 + (kind === "icmp" ? 20 : 0);
    const time = (at: number) => view.getUint32(at) * 1e9 + view.getUint32(at + 4);
    expect(time(stamp + 16)).toBeGreaterThan(0);
    expect(time(stamp + 4)).toBeGreaterThanOrEqual(time(stamp + 16));
    expect(came[stamp + 40]).toBe(64); // the TTL it came with
    expect(came[version === 4 ? 22 : 21]).toBe(kind === "icmp" ? 64 : 63);
    if (kind === "icmp") {
      expect(came[l4]).toBe(version === 4 ? 0 : 129);
      expect(came.slice(l4 + 4, stamp)).toEqual(sent.slice(l4 + 4, stamp));
    } else {
      expect([view.getUint16(l4), view.getUint16(l4 + 2)]).toEqual([port, 40_000]);
    }
    expect(came.slice(stamp + 44)).toEqual(sent.slice(stamp + 44));
  }
});

const at = (version: 4 | 6) => ({
  source: version === 4 ? 26 : 22,
  destination: version === 4 ? 30 : 38,
  ttl: version === 4 ? 22 : 21,
  l4: ethernetBytes + ipBytes(version),
});

describe.each([4, 6] as const)("over IPv%d it leaves to the stack", (version) => {
  const { destination, ttl, l4 } = at(version);
  const last = version === 4 ? 3 : 15;
  const sourcePort = (value: number) => (frame: Uint8Array) => {
    new DataView(frame.buffer, frame.byteOffset).setUint16(l4, value);
  };
  const byte = (where: number, value: number) => (frame: Uint8Array) => {
    frame[where] = value;
  };

  test.each([
    ["what is for another host", "icmp", byte(destination + last, 9)],
    ["what is for another host", "udp", byte(destination + last, 9)],
    ["what is for a group", "icmp", byte(0, 0x33)],
    ["what is for everybody", "udp", (frame: Uint8Array) => frame.fill(0xff, 0, 6)],
    ["what says that a group has sent it", "udp", byte(6, 1)],
    ["what another reflector has sent", "udp", sourcePort(port)],
    ["what a server has sent", "udp", sourcePort(53)],
    ["a datagram on its last hop", "udp", byte(ttl, 1)],
  ] as const)("%s: %s", (_, kind, change) => {
    using opened = open();
    using run = new TestRun(opened.program("reflector").fd);
    const bytes = probe(run.frame, version, kind, 80);
    expect(run.run(bytes).result).toBe(verdict.transmit);
    change(run.frame);
    expect(run.run(bytes).result).toBe(verdict.pass);
    expect(run.after.slice(0, bytes)).toEqual(run.frame.slice(0, bytes));
  });
});

test("an answer's TTL is below the datagram's, so that nothing goes round for ever", () => {
  using opened = open();
  using run = new TestRun(opened.program("reflector").fd);
  for (const version of [4, 6] as const) {
    const bytes = probe(run.frame, version, "udp", 80);
    const { ttl } = at(version);
    for (const [came, left] of [
      [255, 64],
      [65, 64],
      [64, 63],
      [2, 1],
    ]) {
      run.frame[ttl] = came;
      expect(run.run(bytes).result).toBe(verdict.transmit);
      expect(run.after[ttl]).toBe(left);
    }
  }
});

test("a checksum over IPv6 is right or is not made", () => {
  using opened = open();
  using run = new TestRun(opened.program("reflector").fd);
  const longest = 24 * 64 - 8;
  const bytes = probe(run.frame, 6, "udp", longest);
  expect(run.run(bytes).result).toBe(verdict.transmit);
  expect(checksum(run.after, 6, bytes)).toBe(0xffff);
  expect(run.run(probe(run.frame, 6, "udp", longest + 1)).result).toBe(verdict.pass);
  expect(run.run(probe(run.frame, 6, "udp", 3000)).result).toBe(verdict.pass);
  expect(run.run(probe(run.frame, 6, "udp", 80) + 4).result).toBe(verdict.pass); // a trailer
  expect(run.run(probe(run.frame, 4, "udp", 3000)).result).toBe(verdict.transmit);
});

/** For this host alone, and not from a server: told from the frame's bytes. */
function mayAnswer(frame: Uint8Array): boolean {
  const version = frame[12] === 8 ? 4 : 6;
  if (frame[14] >> 4 !== version) return false;
  const { destination, l4 } = at(version);
  const to = Buffer.from(frame.subarray(destination, destination + (version === 4 ? 4 : 16)));
  const isUdp = frame[version === 4 ? 23 : 20] === 17;
  const source = frame[l4] * 256 + frame[l4 + 1];
  return (
    ((frame[0] | frame[6]) & 1) === 0 &&
    to.toString("hex") === (version === 4 ? "0a000001" : `${"0".repeat(31)}1`) &&
    (!isUdp || source >= 1024)
  );
}

test(
  `${frames} random frames (KOMON_TEST_SEED=${seed}): answered or left exactly as they were`,
  () => {
    using opened = open();
    using run = new TestRun(opened.program("reflector").fd);
    const random = new Random(seed);
    const verdicts = new Map<number, number>();
    let changed = 0;
    let wrong = 0;
    for (let n = 0; n < frames; n++) {
      const version = random.int(2) === 0 ? 4 : 6;
      const kind = random.int(2) === 0 ? "icmp" : "udp";
      let bytes = probe(run.frame, version, kind, 44 + random.int(60));
      for (let change = random.int(4); change > 0; change--) {
        run.frame[random.int(bytes)] = random.int(256);
      }
      if (random.int(8) === 0) bytes = Math.max(ethernetBytes, random.int(bytes + 1));
      const { result } = run.run(bytes);
      verdicts.set(result, (verdicts.get(result) ?? 0) + 1);
      const isSame =
        Buffer.compare(run.frame.subarray(0, bytes), run.after.subarray(0, bytes)) === 0;
      if (result === verdict.pass && !isSame) changed++;
      if (result === verdict.transmit && !mayAnswer(run.frame)) wrong++;
    }
    expect([...verdicts.keys()].sort()).toEqual([verdict.pass, verdict.transmit]);
    expect(verdicts.get(verdict.pass)).toBeGreaterThan(frames / 1000);
    expect(verdicts.get(verdict.transmit)).toBeGreaterThan(frames / 1000);
    expect(changed).toBe(0);
    expect(wrong).toBe(0);
  },
  framesMs,
);
