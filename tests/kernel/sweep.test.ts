/** Sweeps on the real kernel, each in a host of its own, with the binary that users run. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { komonCommand } from "../support/komon.ts";
import { until } from "../support/processes.ts";
import { digests, lines, names, out, runFiles, sweepFile, type Table } from "../support/sweep.ts";
import { seen, World } from "../support/world.ts";

setDefaultTimeout(120_000);

describe("komon sweep", () => {
  test("params/smoke runs as it is: plain lines, whole results, nothing left behind", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const said = await world.komon("sweep", "params/smoke", ...out, "--format", "json");
    expect(said.code).toBe(0);
    const { schema, rows } = JSON.parse(said.stdout) as Table;
    expect(schema).toBe("komon.sweep-runs/1");
    expect(rows.map(({ state, count }) => [state, count])).toEqual(Array(7).fill(["done", 50]));
    expect(new Set(rows.map(({ law }) => law)).size).toBe(5);
    expect(said.stderr.match(/^\d of 7: .*service p50/gm)).toHaveLength(7);
    expect(Bun.stripANSI(said.stderr)).toBe(said.stderr);
    expect(said.stderr).not.toContain("\r");
    const folder = seen(world, "/tmp/out");
    expect(names(folder)).toHaveLength(7 * 5 + 1);
    const sweep = sweepFile(folder);
    expect(sweep.files[0].text).toBe(readFileSync("params/smoke", "utf8"));
    expect(sweep.sessions).toHaveLength(1);
    expect(sweep.sessions[0]).toMatchObject({ measured: 7, host: { arch: expect.any(String) } });
    expect(sweep.runs.map(({ state }) => state)).toEqual(Array(7).fill("done"));
    expect(await world.traces()).toEqual(before);
    const report = await world.komonJson<Table>("report", "/tmp/out");
    expect(report.rows).toHaveLength(7);
  });

  test("mistakes of all files are named before anything runs", async () => {
    await using world = await World.open();
    world.write("/tmp/a", `${lines("0")}3 5 0.01 1kk 64 0\n`);
    world.write("/tmp/b", "3 5 0.01 1k 64 0 9\nfoo=1\n");
    const said = await world.komon("sweep", "/tmp/a", "/tmp/b", "/tmp/none", ...out);
    expect(said.code).toBe(2);
    expect(said.stdout).toBe("");
    for (const place of ["/tmp/a:2:10:", "/tmp/b:1:18:", "/tmp/b:2:1:", "/tmp/none: "]) {
      expect(said.stderr).toContain(place);
    }
    expect(names(seen(world, "/tmp/out"))).toEqual([]);
  });

  test.each([
    [["--vnf-args", "--drp 0.1"], "--drop"],
    [["--load-args", "--burst 5"], "--arrivals burst"],
    [["--cpu", "9999"], "CPU 9999"],
    [["--vnf-args", "--law=1"], "--law cannot be given here"],
  ])("flags that no run can have are refused before anything runs: %p", async (words, told) => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0,10"));
    const said = await world.komon("sweep", "/tmp/p", ...out, ...words);
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining(told)]);
    expect(names(seen(world, "/tmp/out"))).toEqual([]);
  });

  test("files that are in the way are told before anything runs", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0,10"));
    const run = ["run", "3", "5", "0.01", "1k", "64", "10", ...out];
    expect((await world.komon(...run)).code).toBe(0);
    const before = digests(seen(world, "/tmp/out"));
    const said = await world.komon("sweep", "/tmp/p", "--reps", "1", ...out);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain("RUN_1000pps_64byte_0.01_10_3_5_0_1.json");
    expect(digests(seen(world, "/tmp/out"))).toEqual(before);
  });

  test("--dry-run where there is a sweep says that it would be refused, and changes nothing", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0"));
    expect((await world.komon("sweep", "/tmp/p", "--reps", "1", ...out)).code).toBe(0);
    const before = digests(seen(world, "/tmp/out"));
    const dry = ["sweep", "/tmp/p", "--reps", "1", "--dry-run", ...out];
    const said = await world.komon(...dry);
    expect([said.code, said.stderr]).toEqual([0, expect.stringContaining("holds a sweep already")]);
    expect(said.stderr).toContain("1 run to measure");
    const resumed = await world.komon(...dry, "--resume");
    expect(resumed.stderr).not.toContain("holds a sweep already");
    expect(digests(seen(world, "/tmp/out"))).toEqual(before);
  });

  test("--vnf external where nobody receives is refused, and nothing is written", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0"));
    const said = await world.komon(
      "sweep",
      "/tmp/p",
      "--vnf",
      "external",
      "--port",
      "4321",
      ...out,
    );
    const told = expect.stringContaining("nobody receives on UDP port 4321");
    expect([said.code, said.stdout, said.stderr]).toEqual([2, "", told]);
    expect(names(seen(world, "/tmp"))).not.toContain("out");
  });

  test("random order is the same for the same seed", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0..100/10"));
    const order = async (...words: string[]) => {
      const { rows } = await world.komonJson<Table>("sweep", "/tmp/p", "--dry-run", ...words);
      return rows.map(({ rep, delay_ns, seed }) => `${rep} ${delay_ns} ${seed}`);
    };
    const file = await order("--seed", "1");
    const random = await order("--seed", "1", "--order", "random");
    expect(file).toHaveLength(55);
    expect(random).not.toEqual(file);
    expect([...random].sort()).toEqual([...file].sort());
    expect(await order("--seed", "1", "--order", "random")).toEqual(random);
    expect(await order("--seed", "2", "--order", "random")).not.toEqual(random);
    expect(names(seen(world, "/tmp/out"))).toEqual([]);
  });

  test("two sweeps do not write into one folder", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "1000 5 0.02 1k 64 0\n");
    const words = ["sweep", "/tmp/p", "--reps", "1", ...out];
    const first = world.spawn(...words);
    await until(() => names(seen(world, "/tmp/out")).includes("SWEEP.json"));
    const second = await world.komon(...words, "--resume");
    expect(second.code).toBe(2);
    expect(second.stderr).toContain("another komon sweep");
    first.kill("SIGINT");
    expect(await first.exited).toBe(0);
  });

  test("further columns reach VNF, load and probe, and have folders where they differ", async () => {
    await using world = await World.open();
    const more = "ipv6=yes arrivals=poisson hooks=tracepoint seed=9 drop=0.5";
    world.write("/tmp/p", `40 5 0.01 1k 64 0 flows=2 workers=1,2 ${more}\n`);
    const said = await world.komon("sweep", "/tmp/p", "--reps", "1", ...out);
    expect([said.code, said.stderr]).toEqual([0, expect.not.stringContaining("warning")]);
    const folder = join(seen(world, "/tmp/out"), "workers=2");
    const run = JSON.parse(readFileSync(join(folder, runFiles(folder)[0]), "utf8"));
    expect(run.load).toMatchObject({ arrivals: "poisson", flows: 2 });
    expect(run.load.target).toContain("[");
    expect(run.hooks.read.rung).toBe("tracepoint");
    expect(run.vnf.dropped).toBeGreaterThan(0);
    expect(run.manifest).toMatchObject({ seed: 9, vnf_seed: 9 });
    expect(run.manifest.sweep).toMatchObject({ line: 1, options: { workers: 2, ipv6: "yes" } });
  });

  test("on a terminal a bar is drawn and wiped", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0"));
    const line = [...komonCommand, "sweep", "/tmp/p", "--reps", "1", ...out].join(" ");
    const said = await world.run(["script", "-qec", line, "/dev/null"], {
      env: { TERM: "xterm", NO_COLOR: undefined },
    });
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(/\r\[░+\] 1 of 1, about \d+ s left: 1.00 kpps/);
    expect(said.stdout).toContain("\r\x1b[K1 of 1: ");
  });
});
