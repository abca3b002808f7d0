import { expect, test } from "bun:test";
import { monotonicNs } from "../../../src/kernel/libc.ts";
import { Naps } from "../../../src/probing/naps.ts";

const hourNs = 3600e9;

test("a session that shares the process never holds up the event loop", async () => {
  const naps = new Naps(false, undefined);
  for (const leftNs of [0, 1e6, 5e6]) {
    expect(naps.isTurn).toBe(true);
    const wakeAtNs = monotonicNs() + leftNs;
    let turns = 0;
    setTimeout(() => turns++, 0);
    await naps.turn(wakeAtNs);
    expect(turns).toBe(1);
  }
  // In a row they would last the better part of an hour.
  for (let n = 0; n < 100_000; n++) naps.sleep(monotonicNs() + hourNs);
  expect(naps.isTurn).toBe(true);
});

test("one that is alone gives it a turn first, and then rests in the kernel", async () => {
  const naps = new Naps(true, undefined);
  expect(naps.isTurn).toBe(true);
  let turns = 0;
  setImmediate(() => turns++);
  await naps.turn(monotonicNs() + hourNs);
  expect(turns).toBe(1);
  const wakeAtNs = monotonicNs() + 2e6;
  naps.sleep(wakeAtNs);
  expect(monotonicNs()).toBeGreaterThanOrEqual(wakeAtNs);
});
