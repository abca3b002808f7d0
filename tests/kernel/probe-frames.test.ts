/** The programs on frames by test run: what is an answer and what is not, to the bit. */
import { describe, expect, test } from "bun:test";
import { komonAnswerKind } from "../../src/kernel/generated/probe.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { type AnswerFrame, echoReply, ethernetBytes, ipBytes } from "../support/echoFrames.ts";
import {
  answer,
  cookie,
  expectBalance,
  localPort,
  open,
  payloadBytes,
  portAnswer,
  probeFrame,
  remotePort,
  slots,
  verdicts,
} from "../support/probeFrames.ts";

test.each(["xdp", "rx_tc"] as const)("%s: what is an answer and what is not", (program) => {
  using probe = open();
  using run = new TestRun(probe.programFd(program));
  const { pass, drop } = verdicts[program];
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
  using probe = open("icmp", false);
  using run = new TestRun(probe.programFd("xdp"));
  probe.slots.arm(7, 3);
  expect(run.run(echoReply(run.frame, answer())).result).toBe(verdicts.xdp.pass);
  expect(probe.counters()).toMatchObject({ matched: 1, dropped: 0, passed: 1 });
});

test("the 32-bit number wraps", () => {
  using probe = open();
  using run = new TestRun(probe.programFd("xdp"));
  const last = 0xffff_ffff;
  for (const sequence of [last, 0, 1]) probe.slots.arm(sequence, 3);
  probe.announce(2 ** 32 + 2, 3);
  for (const sequence of [last, 0, 1]) {
    expect(run.run(echoReply(run.frame, answer({ sequence }))).result).toBe(verdicts.xdp.drop);
  }
  probe.slots.arm(last + 1 + slots, 3); // takes the slot of number 0
  probe.announce(2 ** 32 + 1 + slots, 2 + slots);
  expect(run.run(echoReply(run.frame, answer({ sequence: 0 }))).result).toBe(verdicts.xdp.drop);
  expect(probe.counters()).toMatchObject({ matched: 3, stale: 1, forged: 0 });
});

test.each([
  ["udp", "xdp"],
  ["udp", "rx_tc"],
  ["tcp", "xdp"],
  ["tcp", "rx_tc"],
] as const)("%s at %s: the exact answer", (kind, program) => {
  using probe = open(kind);
  using run = new TestRun(probe.programFd(program));
  for (const version of [4, 6] as const) {
    const sequence = 20 + version;
    probe.slots.arm(sequence, 3);
    probe.announce(100, 100);
    const bytes = portAnswer(run.frame, kind, { version, sequence });
    expect(run.run(bytes).result).toBe(verdicts[program].drop);
  }
  expect(probe.counters()).toMatchObject({ matched: 2, dropped: 2 });
  expectBalance(probe.counters());
});

test.each(["icmp", "udp", "tcp"] as const)(
  "%s: the probe alone is stamped on its way out",
  (kind) => {
    using probe = open(kind);
    using run = new TestRun(probe.programFd("tx_tc"));
    const { pass } = verdicts.rx_tc;
    for (const [version, sequence] of [
      [4, 20],
      [6, 21],
    ] as const) {
      probe.slots.arm(sequence, 3);
      const l4 = ethernetBytes + ipBytes(version);
      const leaves = (changes: Partial<AnswerFrame>, change?: (frame: Uint8Array) => void) => {
        const bytes = probeFrame(run.frame, kind, { version, sequence, ...changes });
        change?.(run.frame);
        expect(run.run(bytes).result).toBe(pass);
      };
      const before = probe.counters();
      leaves({ sequence: sequence + 100 }); // not armed
      if (kind !== "tcp") leaves({ cookie: cookie ^ 1n });
      leaves({}, (frame) => (frame[l4] ^= 1)); // another type, another port
      leaves({}, (frame) => (frame[version === 4 ? 23 : 20] = 132)); // SCTP
      expect(probe.slots.txNs(sequence)).toBe(0);
      expect(probe.counters()).toEqual(before);
      leaves({});
      const stampNs = probe.slots.txNs(sequence);
      expect(stampNs).toBeGreaterThan(0);
      leaves({}); // once more, at a second device
      expect(probe.slots.txNs(sequence)).toBe(stampNs);
      expect(probe.counters().txStamped - before.txStamped).toBe(1);
      expect(probe.counters().txAgain - before.txAgain).toBe(1);
    }
    expect(probe.counters().seen).toBe(0); // the way in has its own
  },
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
  view.setUint16(quoted + ip, localPort);
  view.setUint16(quoted + ip + 2, remotePort);
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
      using probe = open("udp");
      using run = new TestRun(probe.programFd(program));
      const { pass, drop } = verdicts[program];
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
