/** Sweeps that go on until something is known. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { digests, out, runFiles, type Table } from "../support/sweep.ts";
import { seen, World } from "../support/world.ts";

setDefaultTimeout(120_000);

describe("komon sweep", () => {
  test("--until-ci repeats while the interval is too wide, and says when it stays so", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "20 10 0.01 1k 64 100 0\n");
    const words = ["sweep", "/tmp/p", ...out];
    const wide = await world.komonJson<Table>(...words, "--until-ci", "90%", "--max-reps", "9");
    expect(wide.rows[0]).toMatchObject({ reps: 2, count: 400, reached: true });
    const resume = ["--resume", "--max-reps", "3", "--format", "json"];
    const narrow = await world.komon(...words, "--until-ci", "0.0001%", ...resume);
    expect(narrow.code).toBe(1);
    expect((JSON.parse(narrow.stdout) as Table).rows[0]).toMatchObject({ reps: 3, reached: false });
    expect(narrow.stderr.match(/^run \d/gm)).toHaveLength(1);
    expect(runFiles(seen(world, "/tmp/out"))).toHaveLength(3);
  });

  // Slow, so that the load needs little; a full queue is served in 0.3 s, before its packets expire.

  test("--find-max finds what a service time of 1 ms allows", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "5 10 0.01 50,2k 64 1ms\n");
    const max = ["--find-max", "--resolution", "100%", "--step", "4s", "--p99", "1m", "--no-cost"];
    const small = ["--vnf-args", "--buffer 100KiB"];
    const words = ["sweep", "/tmp/p", "--out", "/tmp/out", ...max, ...small];
    const { schema, rows } = await world.komonJson<Table>(...words);
    expect(schema).toBe("komon.sweep-max/1");
    expect(rows.map(({ share }) => share)).toEqual([1, 0.9, 0.5, 0.1]);
    // 4000 packets are served in four seconds, and less than 280 more fit into the socket's queue.
    expect(Number(rows[0].pps)).toBeLessThanOrEqual(1070);
    expect(Number(rows[0].pps)).toBeGreaterThanOrEqual(50);
    expect(Number(rows[2].pps) / Number(rows[0].pps)).toBeCloseTo(0.5, 1);
    expect(rows[0].limit).toMatch(/lost|reached|intervals/);
    expect(Number(rows[0].service_p50_ns)).toBeGreaterThan(1e6);
    const measured = digests(seen(world, "/tmp/out"));
    const again = await world.komonJson<Table>(...words, "--resume");
    expect(again.rows).toEqual(rows);
    expect(digests(seen(world, "/tmp/out"))).toEqual(measured);
  }, 300_000);

  test("--find-max with a bound that nothing meets", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "2 5 0 100,200 64 5ms\n");
    const max = ["--find-max", "--span", "service", "--p99", "1ms", "--step", "10ms"];
    const said = await world.komon("sweep", "/tmp/p", ...out, ...max, "--format", "json");
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("no load holds: p99 of service");
    expect((JSON.parse(said.stdout) as Table).rows).toMatchObject([{ pps: null, share: null }]);
  });
});
