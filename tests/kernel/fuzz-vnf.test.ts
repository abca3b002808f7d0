/**
 * A million frames that nobody should send, on a live device, against the running probe. What the VNF reads of them is
 * the truth: the probe must match exactly these packets, each with its own times, and account for every one.
 */
import { expect, test } from "bun:test";
import { monotonicNs } from "../../src/kernel/libc.ts";
import { expectIdentity, wrongRecords } from "../support/exact.ts";
import { corpus, Dice, mutate } from "../support/mutate.ts";
import { ends4, ends6, Wire } from "../support/wire.ts";

const frames = Number(process.env.KOMON_TEST_FRAMES ?? 1e6);
const seed = Number(process.env.KOMON_TEST_SEED ?? Date.now() % 1e6);

test(
  `${frames} hostile frames (KOMON_TEST_SEED=${seed}): nothing is matched that did not come`,
  async () => {
    await using wire = await Wire.open();
    using vnf = wire.vnf();
    using watched = wire.probe();
    watched.sampleAll();
    const dice = new Dice(seed);
    const valid = corpus(ends4, ends6);
    const batch = wire.batch(64);
    let sent = 0;
    let read = 0;
    let before = monotonicNs();
    let begin = before;
    const putNs: number[] = [];

    const check = () => {
      expectIdentity(watched.coverage);
      expect({ records: watched.records.length, ...watched.coverage }).toMatchObject({
        records: vnf.seen.length,
        lost: 0,
      });
      expect(wrongRecords(vnf.seen, putNs, watched.records)).toEqual([]);
      read += vnf.seen.length;
      watched.records.clear();
      vnf.seen.length = 0;
      putNs.length = 0;
    };

    while (sent < frames) {
      const memory = batch.memory();
      batch.add(mutate(valid[dice.roll(valid.length)], dice, memory));
      if (!batch.full) continue;
      before = begin;
      begin = monotonicNs();
      sent += batch.send();
      vnf.mirror();
      while (putNs.length < vnf.seen.length) putNs.push(before); // some come a moment after the call
      if (vnf.seen.length > 10_000) check();
    }
    for (let idle = 0; idle < 20; idle++) {
      await Bun.sleep(1);
      if (vnf.mirror() > 0) idle = 0;
      while (putNs.length < vnf.seen.length) putNs.push(before);
    }
    check();
    const { coverage } = watched;
    console.log(`${sent} frames, ${read} packets: ${JSON.stringify(coverage)}`);
    expectIdentity(coverage);
    expect(coverage).toMatchObject({ lost: 0, unmatched_sends: 0, unknown_reads: 0, collided: 0 });
    expect(coverage.matched).toBe(read);
    expect(coverage.seen).toBe(read + coverage.expired_by.stack);
    expect(read).toBeGreaterThan(frames / 10);
    expect(coverage.no_nic).toBeGreaterThan(0);
  },
  60_000 + frames / 4,
);
