import { describe, expect, test } from "bun:test";
import { rttOf } from "../../../src/probing/books.ts";
import { Schedule, type ScheduleParts, tickOf } from "../../../src/probing/schedule.ts";

const parts = (changes: Partial<ScheduleParts>): ScheduleParts => ({
  ...{ hosts: 1, gapNs: 1e9, count: undefined, durationNs: undefined },
  slowdown: { factor: 1 },
  ...changes,
});

/** Wakes up as a session does, `lateNs` late each time, and tells when each host had its turns. */
function turnsOf(schedule: Schedule, hosts: number, wakeUps: number, lateNs = 0): number[][] {
  const turns: number[][] = Array.from({ length: hosts }, () => []);
  let now = 0;
  for (let n = 0; n < wakeUps; n++) {
    while (schedule.isDue(now)) turns[schedule.take()].push(now);
    now = schedule.wakeAtNs(schedule.dueNs, now) + lateNs;
  }
  return turns;
}

describe("a schedule", () => {
  test.each([
    [100, 1e6],
    [7, 3e6],
    [1000, 1e5],
    [65, 1e6],
  ])(
    "of %d hosts, one each %d ns: few wake-ups, and each host's probes evenly apart",
    (hosts, gapNs) => {
      const schedule = new Schedule(parts({ hosts, gapNs }), 0);
      const turns = turnsOf(schedule, hosts, 200, 20_000);
      expect(schedule.tickNs).toBeGreaterThan(gapNs);
      const roundNs = hosts * gapNs;
      for (const times of turns) {
        const steps = times.slice(1).map((time, at) => time - times[at]);
        // The first wake-up sends one probe, the later ones whole groups
        for (const step of steps.slice(1)) expect(Math.abs(step - roundNs)).toBeLessThan(50_000);
      }
    },
  );

  test("leaves probes alone that are far apart, and single hosts", () => {
    expect(tickOf(200e6, 5)).toBe(0);
    expect(tickOf(1e6, 1)).toBe(0);
    expect(tickOf(1e4, 1)).toBe(1e6);
  });

  test("goes on from here after a standstill, instead of in a burst", () => {
    const schedule = new Schedule(parts({ gapNs: 1e6 }), 0);
    const later = 10e9;
    let taken = 0;
    for (; schedule.isDue(later); taken++) schedule.take();
    expect(taken).toBe(1);
  });

  test("ends with the count of turns, or with its time", () => {
    const counted = new Schedule(parts({ hosts: 3, gapNs: 1, count: 2 }), 0);
    let turns = 0;
    for (; counted.isDue(1e6); turns++) counted.take();
    expect([turns, counted.isOver]).toEqual([6, true]);
    const timed = new Schedule(parts({ gapNs: 10, durationNs: 35 }), 0);
    for (turns = 0; timed.isDue(1e6); turns++) timed.take();
    expect([turns, timed.isOver]).toEqual([4, true]);
  });

  test("is slowed down by its factor", () => {
    const slowdown = { factor: 1 };
    const schedule = new Schedule(parts({ gapNs: 100, slowdown }), 0);
    schedule.take();
    slowdown.factor = 4;
    schedule.take();
    expect(schedule.dueNs).toBe(500);
  });
});

test("no time runs backwards: stamps of two CPUs that disagree give none", () => {
  expect(rttOf(1000, 1500)).toBe(500);
  expect(rttOf(1000, 999)).toBeNaN();
  expect(rttOf(0, 1500)).toBeNaN(); // left without a stamp
});
