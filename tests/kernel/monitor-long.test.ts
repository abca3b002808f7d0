/** komon monitor for long: what it takes does not grow. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { spans, startMonitor, startTraffic } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("for long", () => {
  test("memory does not grow over two thousand looks, nor do descriptors", async () => {
    await using _traffic = await startTraffic(world, "1k");
    await using monitor = await startMonitor(world, "--port", "7001", "--interval", "10ms");
    const proc = `/proc/${monitor.pid}`;
    const residentKb = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`${proc}/status`, "utf8"))?.[1]);
    const descriptors = () => readdirSync(`${proc}/fd`).length;
    /** The least resident memory during so many looks: what the collector leaves. */
    const least = async (looks: number) => {
      const until = monitor.lines() + looks * spans.length;
      let kb = Number.POSITIVE_INFINITY;
      while (monitor.lines() < until) {
        kb = Math.min(kb, residentKb());
        await Bun.sleep(20);
      }
      return kb;
    };
    await least(500);
    const [before, open] = [await least(750), descriptors()];
    const after = await least(750);
    expect(after).toBeLessThan(before + 8 * 1024);
    expect(descriptors()).toBe(open);
    const { rows, sum } = await monitor.stop();
    expect(rows.length).toBeGreaterThanOrEqual(2000 * spans.length);
    expect(sum("service", "lost")).toBe(0);
  });
});
