/**
 * A million frames that nobody should send, through a router. The kernel's own count of what it forwarded is the
 * truth: the forwarding probe must have matched exactly these, and account for every other packet that came in.
 * (Its programs cannot be run on test frames: the kernel runs programs of this type on live packets only.)
 */
import { expect, test } from "bun:test";
import { ForwardProbe } from "../../src/probes/forward/probe.ts";
import { corpus, Dice, mutate } from "../support/mutate.ts";
import { Router, through4, through6 } from "../support/router.ts";

const frames = Number(process.env.KOMON_TEST_FRAMES ?? 1e6);
const seed = Number(process.env.KOMON_TEST_SEED ?? Date.now() % 1e6);

test(
  `${frames} hostile frames (KOMON_TEST_SEED=${seed}): what was forwarded is matched, and nothing else`,
  async () => {
    await using router = await Router.open();
    const { wire, netns, outIfindex } = router;
    using probe = ForwardProbe.open({ inIfindex: wire.ifindex, outIfindex, netns });
    const [forwardedBefore, droppedBefore] = [await router.forwarded(), await router.dropped()];
    const dice = new Dice(seed);
    // A tag hides a packet from nic, and VLAN 0 is forwarded all the same: see docs/limits.md.
    const valid = corpus(through4, through6).filter((frame) => frame[12] !== 0x81);
    const batch = wire.batch(64);
    let ip = 0;
    for (let sent = 0; sent < frames; ) {
      const memory = batch.memory();
      batch.add(mutate(valid[dice.roll(valid.length)], dice, memory));
      const type = memory[12] * 256 + memory[13];
      if (type === 0x0800 || type === 0x86dd) ip++;
      if (batch.full) sent += batch.send();
    }
    batch.send();
    const dropped = (await router.dropped()) - droppedBefore;
    let coverage = probe.coverage();
    while (coverage.inFlight > 0) {
      await Bun.sleep(10); // for the host itself, and so never seen to go out: a second later it is expired
      coverage = probe.coverage();
    }
    const forwarded = (await router.forwarded()) - forwardedBefore;
    console.log(`${ip} packets, ${forwarded} forwarded: ${JSON.stringify(coverage)}`);
    const { seen, matched, expired, collided, filtered } = coverage;
    expect(matched + expired + collided + filtered).toBe(seen);
    expect(seen).toBeLessThanOrEqual(ip);
    expect(seen).toBeGreaterThanOrEqual(ip - dropped);
    expect(matched + filtered).toBe(forwarded);
    expect(probe.histogram().histogram.count).toBe(matched);
    expect(matched).toBeGreaterThan(frames / 10);
    expect(coverage.dropped).toBeGreaterThan(frames / 100);
  },
  60_000 + frames / 4,
);
