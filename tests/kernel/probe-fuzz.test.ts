/** The programs on random frames by test run: only what is ours is touched, and the counters add up. */
import { expect, test } from "bun:test";
import { TestRun } from "../../src/kernel/testRun.ts";
import { Random } from "../../src/stats/random.ts";
import { echoReply, ethernetBytes, headAt, ipBytes } from "../support/echoFrames.ts";
import {
  answer,
  cookie,
  expectBalance,
  frames,
  framesMs,
  isAnswer,
  isProbe,
  open,
  payloadBytes,
  portAnswer,
  probeFrame,
  seed,
  verdicts,
} from "../support/probeFrames.ts";

const said = `${frames} random frames (KOMON_TEST_SEED=${seed})`;

test.each(["xdp", "rx_tc"] as const)(
  `%s, ${said}: answers and nothing else`,
  (program) => {
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
      const dropped = result === verdicts[program].drop;
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
  framesMs,
);

test.each([
  ["udp", "xdp"],
  ["udp", "rx_tc"],
  ["tcp", "xdp"],
  ["tcp", "rx_tc"],
] as const)(
  `%s at %s, ${said} that are no answers`,
  (kind, program) => {
    using probe = open(kind);
    using run = new TestRun(probe.programFd(program));
    const { pass, drop } = verdicts[program];
    const random = new Random(seed);
    for (const version of [4, 6] as const) {
      const sequence = 20 + version;
      probe.slots.arm(sequence, 3);
      probe.announce(100, 100);
      expect(run.run(portAnswer(run.frame, kind, { version, sequence })).result).toBe(drop);
    }
    expect(probe.counters()).toMatchObject({ matched: 2, dropped: 2 });
    for (let n = 0; n < frames; n++) {
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
    expect(counters).toMatchObject({
      seen: frames + 2,
      matched: 2,
      copies: 0,
      stale: 0,
      dropped: 2,
    });
    if (kind === "tcp") expect(counters.forged).toBeGreaterThan(frames / 10);
    expectBalance(counters);
  },
  framesMs,
);

test.each(["icmp", "udp", "tcp"] as const)(
  `%s on its way out, ${said}: the probe alone is stamped`,
  (kind) => {
    using probe = open(kind);
    using run = new TestRun(probe.programFd("tx_tc"));
    const random = new Random(seed);
    const armed = new Set([5, 6, 7, 4095]);
    for (const sequence of armed) probe.slots.arm(sequence, 3);
    const least = 54;
    let ours = 0;
    for (let n = 0; n < frames; n++) {
      const version = random.int(2) === 0 ? 4 : 6;
      const sequence = [5, 6, 7, 4095, random.int(2 ** 32)][random.int(5)];
      let bytes = probeFrame(run.frame, kind, { version, sequence });
      for (let change = random.int(4); change > 0; change--) {
        run.frame[random.int(Math.min(bytes, headAt(version) + 16))] = random.int(256);
      }
      if (random.int(8) === 0) bytes = Math.max(least, random.int(bytes + 1));
      const isOurs = isProbe(run.frame, bytes, kind, armed);
      if (isOurs) ours++;
      if (run.run(bytes).result !== verdicts.rx_tc.pass) throw new Error(`frame ${n} was held`);
    }
    const { txStamped, txAgain } = probe.counters();
    expect(txStamped).toBe(armed.size);
    expect(txStamped + txAgain).toBe(ours);
    expect(ours).toBeGreaterThan(frames / 20);
  },
  framesMs,
);
