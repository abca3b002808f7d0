/** The programs on frames by test run: only the exact cookie, number and host are matched; counters add up. */
import { describe, expect, test } from "bun:test";
import { komonAnswerKind } from "../../src/kernel/generated/probe.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { ActiveProbe } from "../../src/probes/active/probe.ts";
import type { ProbeCounters } from "../../src/probes/active/slots.ts";
import { Random } from "../../src/stats/random.ts";
import {
  type AnswerFrame,
  echoReply,
  ethernetBytes,
  headAt,
  ipBytes,
} from "../support/echoFrames.ts";

const cookie = 0x0123_4567_89ab_cdefn;
const payloadBytes = 56;
const slots = 4096;
const xdp = { pass: 2, drop: 1 } as const;
const tc = { pass: 0xffff_ffff, drop: 2 } as const;

function open(drop = true): ActiveProbe {
  return ActiveProbe.open({
    ...{ kind: "icmp", cookie, slots, drop, hooks: "auto" },
    bytes4: 28 + payloadBytes,
    bytes6: 48 + payloadBytes,
  });
}

const answer = (changes: Partial<AnswerFrame> = {}): AnswerFrame => ({
  ...{ version: 4, cookie, sequence: 7, target: 3, payloadBytes },
  ...changes,
});

/** Every packet is counted once, and every one of ours dropped or passed. */
function expectBalance(c: ProbeCounters): void {
  expect(c.foreign + c.matched + c.copies + c.stale + c.forged + c.truncated).toBe(c.seen);
  expect(c.dropped + c.passed).toBe(c.matched + c.copies + c.stale);
}

test.each(["xdp", "rx_tc"] as const)("%s: what is an answer and what is not", (program) => {
  using probe = open();
  using run = new TestRun(probe.programFd(program));
  const { pass, drop } = program === "xdp" ? xdp : tc;
  probe.slots.arm(7, 3);
  probe.announce(8, 8);
  const said = (changes: Partial<AnswerFrame>, change?: (frame: Uint8Array) => void, less = 0) => {
    const bytes = echoReply(run.frame, answer(changes));
    change?.(run.frame);
    return run.run(bytes - less).result;
  };
  const count = () => probe.counters();

  expect(said({ cookie: cookie ^ 1n })).toBe(pass);
  expect(said({}, (frame) => (frame[34] = 8))).toBe(pass); // a request
  expect(said({}, (frame) => (frame[23] = 17))).toBe(pass); // UDP
  expect(count()).toMatchObject({ seen: 3, foreign: 3, matched: 0, dropped: 0 });

  expect(said({ sequence: 8 })).toBe(pass); // never sent
  expect(said({ target: 4 })).toBe(pass); // sent to another
  expect(count()).toMatchObject({ forged: 2, matched: 0, dropped: 0 });

  expect(said({ payloadBytes: payloadBytes - 1 })).toBe(pass);
  expect(count()).toMatchObject({ truncated: 1, matched: 0 });
  expect(said({}, undefined, payloadBytes - 15)).toBe(pass); // ends inside the head
  expect(count()).toMatchObject({ foreign: 4, matched: 0 });

  expect(said({})).toBe(drop);
  expect(count()).toMatchObject({ matched: 1, copies: 0, dropped: 1 });
  expect(said({})).toBe(drop);
  expect(count()).toMatchObject({ matched: 1, copies: 1, dropped: 2 });

  probe.slots.arm(7 + slots, 3); // the slot's next probe
  probe.announce(8 + slots, 8 + slots);
  expect(said({})).toBe(drop);
  expect(count()).toMatchObject({ matched: 1, stale: 1, dropped: 3 });

  probe.slots.arm(9, 3);
  expect(said({ version: 6, sequence: 9 })).toBe(drop);
  expect(count()).toMatchObject({ matched: 2, dropped: 4 });

  probe.slots.arm(10, 3);
  const isFragment = (frame: Uint8Array) => {
    frame[20] = 0x20;
  };
  expect(said({ sequence: 10 }, isFragment)).toBe(pass); // stamped, but the rest is still to come
  expect(count()).toMatchObject({ matched: 3, dropped: 4, passed: 1 });
  expectBalance(count());

  const read: number[] = [];
  probe.read(({ sequence }) => read.push(sequence));
  expect(read).toEqual([7, 7, 9, 10]);
});

test("without dropping, everything passes", () => {
  using probe = open(false);
  using run = new TestRun(probe.programFd("xdp"));
  probe.slots.arm(7, 3);
  expect(run.run(echoReply(run.frame, answer())).result).toBe(xdp.pass);
  expect(probe.counters()).toMatchObject({ matched: 1, dropped: 0, passed: 1 });
});

test("the 32-bit number wraps", () => {
  using probe = open();
  using run = new TestRun(probe.programFd("xdp"));
  const last = 0xffff_ffff;
  for (const sequence of [last, 0, 1]) probe.slots.arm(sequence, 3);
  probe.announce(2 ** 32 + 2, 3);
  for (const sequence of [last, 0, 1]) {
    expect(run.run(echoReply(run.frame, answer({ sequence }))).result).toBe(xdp.drop);
  }
  probe.slots.arm(last + 1 + slots, 3); // takes the slot of number 0
  probe.announce(2 ** 32 + 1 + slots, 2 + slots);
  expect(run.run(echoReply(run.frame, answer({ sequence: 0 }))).result).toBe(xdp.drop);
  expect(probe.counters()).toMatchObject({ matched: 3, stale: 1, forged: 0 });
});

/** An answer is as long as its probe; a link header is 32 bytes at most. */
const mostBytes = 32 + 48 + payloadBytes;

/** What the programs should say, told from the frame's bytes alone. */
function isAnswer(frame: Uint8Array, bytes: number, armed: ReadonlySet<number>): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  if (bytes < ethernetBytes + 20 || bytes > mostBytes) return false;
  const type = view.getUint16(12);
  const version = type === 0x0800 ? 4 : type === 0x86dd ? 6 : 0;
  if (version === 0 || bytes < ethernetBytes + ipBytes(version)) return false;
  if (frame[14] >> 4 !== version) return false;
  let protocol = frame[version === 4 ? 23 : 20];
  let at = ethernetBytes + ipBytes(version);
  let isFragment = false;
  if (version === 4) {
    if ((view.getUint16(20) & 0x1fff) !== 0) return false;
    isFragment = (frame[20] & 0x20) !== 0;
    at = ethernetBytes + (frame[14] & 15) * 4;
  } else if (protocol === 44) {
    if (bytes < at + 8 || (view.getUint16(at + 2) & 0xfff8) !== 0) return false;
    isFragment = true;
    protocol = frame[at];
    at += 8;
  }
  const total = version === 4 ? view.getUint16(16) : 40 + view.getUint16(18);
  if (protocol !== (version === 4 ? 1 : 58)) return false;
  if (bytes < at + 24 || frame[at] !== (version === 4 ? 0 : 129) || frame[at + 1] !== 0)
    return false;
  if (view.getBigUint64(at + 8, true) !== cookie) return false;
  if (!isFragment && total < ipBytes(version) + 8 + payloadBytes) return false;
  if (view.getUint32(at + 20, true) !== 3) return false;
  return armed.has(view.getUint32(at + 16, true));
}

test.each([
  ["xdp", 1_000_000, 1],
  ["rx_tc", 1_000_000, 2],
] as const)(
  "%s on %d random frames",
  (program, frames, seed) => {
    using probe = open();
    using run = new TestRun(probe.programFd(program));
    const random = new Random(seed);
    const below = (most: number) => random.int(most);
    const armed = new Set([5, 6, 7, 4095]);
    for (const sequence of armed) probe.slots.arm(sequence, 3);
    probe.announce(4096, 4095); // so none can be too late for its slot
    let matched = 0;
    let wrong = 0;
    for (let n = 0; n < frames; n++) {
      const version = below(2) === 0 ? 4 : 6;
      const sequence = [5, 6, 7, 4095, below(2 ** 32)][below(5)];
      const payload = below(4) === 0 ? below(100) : payloadBytes;
      let bytes = echoReply(run.frame, answer({ version, sequence, payloadBytes: payload }));
      for (let change = below(4); change > 0; change--) {
        run.frame[below(4) === 0 ? below(bytes) : below(Math.min(bytes, headAt(version) + 16))] =
          below(256);
      }
      // The kernel makes no skb of less than Ethernet and IPv6 headers in a test run.
      const least = program === "xdp" ? ethernetBytes : 54;
      if (below(8) === 0) bytes = Math.max(least, below(bytes + 1));
      const { result } = run.run(bytes);
      const expected = isAnswer(run.frame, bytes, armed);
      if (expected) matched++;
      const dropped = result === (program === "xdp" ? xdp.drop : tc.drop);
      if (dropped && !expected) wrong++;
      if (n % 1000 === 0) probe.read(() => {});
    }
    const c = probe.counters();
    expect(wrong).toBe(0);
    expect(c.seen).toBe(frames);
    expect(c.matched + c.copies).toBe(matched);
    expect(matched).toBeGreaterThan(frames / 20);
    expect(c.forged).toBeGreaterThan(0);
    expect(c.truncated).toBeGreaterThan(0);
    expectBalance(c);
  },
  120_000,
);

/** An answer from port 862 to our port 40000: the datagram itself, or a SYN-ACK. */
function portAnswer(frame: Uint8Array, kind: "udp" | "tcp", changes: Partial<AnswerFrame>): number {
  const { version, sequence } = answer(changes);
  const bytes = echoReply(frame, answer(changes));
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  const l4 = ethernetBytes + ipBytes(version);
  frame[version === 4 ? 23 : 20] = kind === "udp" ? 17 : 6;
  view.setUint16(l4, 862);
  view.setUint16(l4 + 2, 40_000);
  if (kind === "udp") return bytes;
  view.setUint32(l4 + 8, (sequence + isnBase + 1) >>> 0); // what the far end acknowledges
  frame[l4 + 12] = 5 << 4;
  frame[l4 + 13] = 0x14; // RST, ACK
  return l4 + 20;
}

const isnBase = 0xffff_fff0;

function openPorts(kind: "udp" | "tcp"): ActiveProbe {
  return ActiveProbe.open({
    ...{ kind, cookie, slots, drop: true, hooks: "auto", isnBase },
    ...{ localPort: 40_000, remotePort: 862 },
    bytes4: 28 + (kind === "tcp" ? 16 : payloadBytes),
    bytes6: 48 + (kind === "tcp" ? 16 : payloadBytes),
  });
}

test.each([
  ["udp", "xdp"],
  ["udp", "rx_tc"],
  ["tcp", "xdp"],
  ["tcp", "rx_tc"],
] as const)(
  "%s at %s: the exact answer, and 100,000 that are not",
  (kind, program) => {
    using probe = openPorts(kind);
    using run = new TestRun(probe.programFd(program));
    const { pass, drop } = program === "xdp" ? xdp : tc;
    const random = new Random(4);
    for (const version of [4, 6] as const) {
      const sequence = 20 + version;
      probe.slots.arm(sequence, 3);
      probe.announce(100, 100);
      expect(run.run(portAnswer(run.frame, kind, { version, sequence })).result).toBe(drop);
    }
    expect(probe.counters()).toMatchObject({ matched: 2, dropped: 2 });
    for (let n = 0; n < 100_000; n++) {
      const version = random.int(2) === 0 ? 4 : 6;
      // Right in all but the one thing that counts: the cookie, or a number in flight
      const wrong = kind === "udp" ? { cookie: cookie ^ BigInt(1 + random.int(1 << 30)) } : {};
      const sequence = kind === "udp" ? 24 : 1000 + random.int(2 ** 31);
      let bytes = portAnswer(run.frame, kind, { version, sequence, ...wrong });
      const l4 = ethernetBytes + ipBytes(version);
      for (let change = random.int(3); change > 0; change--) {
        run.frame[random.int(l4 + 4)] = random.int(256);
      }
      if (random.int(8) === 0) bytes = Math.max(54, random.int(bytes + 1));
      if (run.run(bytes).result !== pass) throw new Error(`frame ${n} was not let pass`);
    }
    const counters = probe.counters();
    expect(counters).toMatchObject({ seen: 100_002, matched: 2, copies: 0, stale: 0, dropped: 2 });
    if (kind === "tcp") expect(counters.forged).toBeGreaterThan(10_000);
    expectBalance(counters);
  },
  60_000,
);

/** ICMP port unreachable about the probe to 10.0.0.2 or ::2, from there. */
function unreachable(frame: Uint8Array, version: 4 | 6, sequence: number): number {
  const ip = ipBytes(version);
  const quoted = ethernetBytes + ip + 8;
  const bytes = quoted + ip + 8 + 16;
  portAnswer(frame, "udp", { version, sequence });
  const probe = frame.slice(ethernetBytes, ethernetBytes + ip + 8 + 16);
  echoReply(frame, answer({ version, payloadBytes: ip + 8 + 16 }));
  frame.set(probe, quoted);
  frame.set(frame.subarray(...source(version)), quoted + destination(version) - ethernetBytes);
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  view.setUint16(quoted + ip, 40_000);
  view.setUint16(quoted + ip + 2, 862);
  const l4 = ethernetBytes + ip;
  view.setUint16(l4, version === 4 ? 0x0303 : 0x0104);
  return bytes;
}

const source = (version: 4 | 6) => (version === 4 ? ([26, 30] as const) : ([22, 38] as const));
const destination = (version: 4 | 6) => (version === 4 ? 30 : 38);

describe.each(["xdp", "rx_tc"] as const)("udp at %s", (program) => {
  test.each([4, 6] as const)(
    "IPv%d: the host's own port unreachable alone is an answer",
    (version) => {
      using probe = openPorts("udp");
      using run = new TestRun(probe.programFd(program));
      const { pass, drop } = program === "xdp" ? xdp : tc;
      probe.slots.arm(7, 3);
      probe.announce(8, 8);
      const l4 = ethernetBytes + ipBytes(version);
      const said = (change: (frame: Uint8Array) => void) => {
        const bytes = unreachable(run.frame, version, 7);
        change(run.frame);
        return run.run(bytes).result;
      };
      for (let code = 0; code < 256; code++) {
        if (code === (version === 4 ? 3 : 4)) continue;
        expect(said((frame) => (frame[l4 + 1] = code))).toBe(pass); // a router's
      }
      const last = source(version)[1] - 1;
      expect(said((frame) => (frame[last] = 9))).toBe(pass); // a firewall's
      expect(said((frame) => (frame[l4] = 11))).toBe(pass); // another type
      expect(probe.counters()).toMatchObject({ seen: 257, foreign: 257, matched: 0, dropped: 0 });
      expect(said(() => {})).toBe(drop);
      expect(probe.counters()).toMatchObject({ matched: 1, dropped: 1 });
      const kinds: number[] = [];
      probe.read(({ kind }) => kinds.push(kind));
      expect(kinds).toEqual([komonAnswerKind.KOMON_ANSWER_UNREACHABLE]);
      expectBalance(probe.counters());
    },
  );
});
