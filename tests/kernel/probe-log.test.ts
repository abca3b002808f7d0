/** The logs of answers that the programs write by CPU and user space reads as one: order, room, and what finds none. */
import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { possibleCpus } from "../../src/kernel/map.ts";
import { pinThread } from "../../src/kernel/process.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { logRoom } from "../../src/probes/active/log.ts";
import { echoReply } from "../support/echoFrames.ts";
import { answer, expectBalance, open, slots, verdicts } from "../support/probeFrames.ts";

const room = logRoom(slots, possibleCpus());

for (const program of ["xdp", "rx_tc"] as const) {
  test(`${program}: answers at several CPUs are read in order of arrival`, () => {
    using probe = open();
    using run = new TestRun(probe.programFd(program));
    const cpus = Math.min(availableParallelism(), 3);
    for (let sequence = 0; sequence < 23; sequence++) {
      pinThread(sequence % cpus);
      probe.slots.arm(sequence, 3);
      const bytes = echoReply(run.frame, answer({ sequence }));
      expect(run.run(bytes).result).toBe(verdicts[program].drop);
    }
    const read: number[] = [];
    let lastNs = 0;
    const count = probe.read(({ sequence, rxNs, ttl, target, txNs, isReflected }) => {
      read.push(sequence);
      expect(rxNs).toBeGreaterThan(lastNs);
      expect(rxNs).toBe(probe.slots.rxNs(sequence));
      expect({ ttl, target, txNs, isReflected }).toEqual({
        ...{ ttl: 64, target: 3, txNs: 0, isReflected: false },
      });
      lastNs = rxNs;
    });
    expect(read).toEqual(Array.from({ length: 23 }, (_, n) => n));
    expect({ count, taken: probe.taken }).toEqual({ count: 23, taken: 23 });
    expect(probe.read(() => {})).toBe(0);
  });

  test(`${program}: what finds no room is counted, and its slot has the stamp`, () => {
    using probe = open();
    using run = new TestRun(probe.programFd(program));
    pinThread(0);
    const reply = (sequence: number) => run.run(echoReply(run.frame, answer({ sequence })));
    const more = 23;
    for (let sequence = 0; sequence < room + more; sequence++) {
      probe.slots.arm(sequence, 3);
      reply(sequence);
    }
    expect(probe.counters()).toMatchObject({ matched: room + more, lostRecords: more });
    expect(probe.slots.rxNs(room + more - 1)).toBeGreaterThan(0);
    const read: number[] = [];
    probe.read(({ sequence }) => read.push(sequence));
    expect(read).toEqual(Array.from({ length: room }, (_, n) => n));
    // Round and round, with room again
    for (let round = 0; round < 5; round++) {
      read.length = 0;
      for (let n = 0; n < room - 7; n++) reply(n);
      probe.read(({ sequence, isCopy }) => read.push(isCopy ? sequence : -1));
      expect(read).toEqual(Array.from({ length: room - 7 }, (_, n) => n));
    }
    const counters = probe.counters();
    expect(counters).toMatchObject({ lostRecords: more, copies: 5 * (room - 7) });
    expect(counters.matched + counters.copies).toBe(probe.taken + more);
    expectBalance(counters);
  });
}
