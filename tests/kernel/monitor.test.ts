/** komon monitor: what it counts against generator and sink, and what it cannot watch. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { load, received, sinkIn, spans, startMonitor, startVnf } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("counts", () => {
  test("generator, every histogram and the sink agree, interval by interval and in all", async () => {
    using sink = sinkIn(world);
    await using _vnf = await startVnf(
      world,
      7001,
      "--target",
      `127.0.0.1:${sink.port}`,
      "--workers",
      "2",
    );
    await using monitor = await startMonitor(world, "--port", "7001");
    const count = 20_011;
    await load(world, 7001, count, "20k", "--flows", "16");
    await received(sink, count);
    const seen = await monitor.stop();
    expect(seen.code).toBe(0);
    const columns = ["packets", "matched", "seen"];
    const sums = spans.map((span) => columns.map((column) => seen.sum(span, column)));
    expect(sums).toEqual(spans.map(() => columns.map(() => count)));
    for (const column of ["expired", "collided", "filtered", "lost"]) {
      expect([column, seen.sum("service", column)]).toEqual([column, 0]);
    }
    expect(seen.rows.at(-1)).toMatchObject({ in_flight: 0, depth: 0 });
  });

  test("what the VNF drops is missing by cause, and only that", async () => {
    using sink = sinkIn(world);
    await using _vnf = await startVnf(
      world,
      7001,
      "--target",
      `127.0.0.1:${sink.port}`,
      "--drop",
      "0.1",
      "--seed",
      "7",
    );
    await using monitor = await startMonitor(world, "--port", "7001");
    await load(world, 7001, 5000, "10k");
    // What is not sent within a second counts as expired.
    await monitor.until(
      ({ sum }) => sum("service", "matched") + sum("service", "expired") === 5000,
    );
    const seen = await monitor.stop();
    const kept = (await received(sink, seen.sum("service", "matched"))).length;
    expect(kept).toBeLessThan(4700);
    expect(seen.sum("service", "seen")).toBe(5000);
    expect(seen.sum("service", "matched")).toBe(kept);
    expect(seen.sum("service", "expired")).toBe(5000 - kept);
    expect(seen.sum("service", "expired_unsent")).toBe(5000 - kept);
  });

  test("packets that waited before it came are none of its own, and do no harm to those that follow", async () => {
    using sink = sinkIn(world);
    await using vnf = await startVnf(world, 7001, "--target", `127.0.0.1:${sink.port}`);
    process.kill(vnf.pid, "SIGSTOP");
    await load(world, 7001, 50, "5k");
    await using monitor = await startMonitor(world, "--port", "7001");
    await load(world, 7001, 5000, "20k"); // more than the ledger has places for
    process.kill(vnf.pid, "SIGCONT");
    await received(sink, 5050);
    await load(world, 7001, 200, "5k");
    await received(sink, 200);
    const seen = await monitor.stop();
    const [all, matched] = ["seen", "matched"].map((column) => seen.sum("service", column));
    const collided = seen.sum("service", "collided");
    expect([all, matched, collided]).toEqual([5200, 4096 + 200, 5000 - 4096]);
    expect(seen.sum("service")).toBe(4096 + 200);
    expect(seen.rows.at(-1)).toMatchObject({ in_flight: 0 });
  });

  test("several ports, each its own rows", async () => {
    await using _one = await startVnf(world, 7001);
    await using _two = await startVnf(world, 7002);
    await using monitor = await startMonitor(world, "--port", "7001,7002");
    await load(world, 7001, 23, "1k");
    await load(world, 7002, 46, "1k");
    const { rows } = await monitor.stop();
    const sum = (port: number) =>
      rows
        .filter((row) => row.port === port && row.span === "sojourn")
        .reduce((total, row) => total + row.packets, 0);
    expect([sum(7001), sum(7002)]).toEqual([23, 46]);
  });
});

describe("what cannot be watched", () => {
  test("is said, with what to do", async () => {
    const cases: [text: RegExp, ...words: string[]][] = [
      [/say what to monitor[\s\S]*--port 1234/],
      [/no process 4194304/, "--pid", "4194304"],
      [/exclude each other/, "--pid", "1", "--cgroup", "x"],
      [/there is no cgroup "none"[\s\S]*mounted at/, "--cgroup", "none"],
      [/no network device "none"[\s\S]*lo/, "--port", "1", "--in-interface", "none"],
      [/no network namespace "none"/, "--port", "1", "--netns", "none"],
      [/the same as --in-interface/, "--port", "1", "-i", "lo", "--in-interface", "lo"],
      [/receives on no UDP port[\s\S]*--port 1234/, "--pid", `${world.pid}`],
    ];
    for (const [text, ...words] of cases) {
      const said = await world.komon("monitor", ...words);
      expect([said.code, said.stderr]).toEqual([2, expect.stringMatching(text)]);
    }
  });
});
