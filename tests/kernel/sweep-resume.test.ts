/** Sweeps that end before their end: killed, stopped, failed, without room. --resume measures the rest. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { childOf, until } from "../support/processes.ts";
import {
  digests,
  hidden,
  lines,
  names,
  out,
  patience,
  runFiles,
  sweepFile,
  type Table,
} from "../support/sweep.ts";
import { seen, World } from "../support/world.ts";

setDefaultTimeout(120_000);

describe("komon sweep", () => {
  test("after SIGKILL --resume measures the rest, and only that", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "20 5 0.02 1k 64 0..30/10\n");
    const before = await world.traces();
    const words = ["sweep", "/tmp/p", "--reps", "1", "--seed", "11", "--order", "random", ...out];
    const folder = seen(world, "/tmp/out");
    const first = world.spawn(...words);
    await until(() => runFiles(folder).length === 2 && hidden(folder).length === 1);
    first.kill("SIGKILL");
    await first.exited;
    const done = digests(folder);
    expect(Object.keys(done)).toHaveLength(10);

    const refused = await world.komon(...words);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--resume");
    const resumed = await world.komon("sweep", "/tmp/p", "--reps", "1", ...out, "--resume");
    expect(resumed.code).toBe(0);
    expect(resumed.stderr.match(/^\d of 2: /gm)).toHaveLength(2);
    expect(runFiles(folder)).toHaveLength(4);
    expect(digests(folder)).toMatchObject(done);
    expect(hidden(folder)).toEqual([]);
    const { seed, order, sessions, runs } = sweepFile(folder);
    expect([seed, order, sessions.length]).toEqual([11, "random", 2]);
    expect(runs.map(({ state }) => state)).toEqual(Array(4).fill("done"));
    expect(await world.traces()).toEqual(before);

    const again = await world.komon("sweep", "/tmp/p", "--reps", "1", ...out, "--resume");
    expect(again.code).toBe(0);
    expect(again.stderr).toBe("");
    expect(again.stdout.trim().split("\n")).toHaveLength(5);
  });

  test("Ctrl-C ends with what is done, and --resume goes on", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "1000 5 0.02 1k 64 0\n");
    const folder = seen(world, "/tmp/out");
    const child = world.spawn("sweep", "/tmp/p", "--reps", "1", ...out);
    await until(() => hidden(folder).some((name) => names(join(folder, name)).length === 4));
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toContain("--resume");
    expect(names(folder)).toEqual(["SWEEP.json"]);
    expect(sweepFile(folder).runs[0].state).toBe("waiting");
  });

  test("a failed run is marked, the rest goes on, and only that one is tried again", async () => {
    await using world = await World.open();
    world.write("/tmp/p", `${lines("0")}3 5 0.01 1k 64 0 cpu=999\n${lines("10")}`);
    const words = ["sweep", "/tmp/p", "--reps", "1", ...out, "--format", "json"];
    const said = await world.komon(...words);
    expect(said.code).toBe(1);
    const { rows } = JSON.parse(said.stdout) as Table;
    expect(rows.map(({ line, state }) => `${line} ${state}`)).toEqual([
      ...["1 done", "2 failed", "3 done"],
    ]);
    expect(rows[1].why).toContain("CPU 999");
    const folder = seen(world, "/tmp/out");
    expect(runFiles(folder)).toHaveLength(2);
    expect(sweepFile(folder).runs[1]).toMatchObject({ state: "failed", line: 2 });
    const done = digests(folder);
    const again = await world.komon(...words, "--resume");
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("1 of 1: ");
    expect(digests(folder)).toEqual(done);
  });

  test("a VNF that dies fails its run; what it measured is kept aside", async () => {
    await using world = await World.open();
    world.write("/tmp/p", "400 5 0.02 1k 64 0\n3 5 0.01 1k 64 10\n");
    const folder = seen(world, "/tmp/out");
    const child = world.spawn("sweep", "/tmp/p", "--reps", "1", ...out);
    const partial = () => hidden(folder).map((name) => join(folder, name))[0] ?? "";
    await until(() => names(partial()).some((name) => name.startsWith("BUFFER_")));
    const kernel = names(partial()).find((name) => name.startsWith("KERNEL_")) ?? "";
    await until(() => readFileSync(join(partial(), kernel), "utf8").split("\n").length > 10);
    process.kill(childOf(child.pid, "vnf"), "SIGKILL");
    expect(await child.exited).toBe(1);
    expect(sweepFile(folder).runs.map(({ state }) => state)).toEqual(["failed", "done"]);
    expect(sweepFile(folder).runs[0].why).toContain("SIGKILL");
    expect(runFiles(folder)).toHaveLength(1);
    const [aside] = names(join(folder, ".failed"));
    expect(names(join(folder, ".failed", aside))).toContain(kernel);
    const report = await world.komonJson<Table>("report", "/tmp/out");
    expect(report.rows).toHaveLength(1);
  });

  test("a full disk: the runs done stay whole, and --resume goes on", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0..100/10"));
    const small = (size: string, ...how: string[]) =>
      world.run(["mount", "-t", "tmpfs", "-o", `${how}size=${size}`, "tmpfs", "/tmp/small"]);
    await world.run(["mkdir", "/tmp/small"]);
    expect((await small("128k")).code).toBe(0);
    const words = [
      "sweep",
      "/tmp/p",
      "--reps",
      "1",
      "--out",
      "/tmp/small",
      "--seed",
      "1",
      ...patience,
    ];
    const said = await world.komon(...words);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("ENOSPC");
    expect(said.stderr).toContain("--resume");
    const folder = seen(world, "/tmp/small");
    const done = digests(folder);
    const whole = runFiles(folder);
    expect(whole.length).toBeGreaterThan(0);
    expect(whole.length).toBeLessThan(11);
    expect(Object.keys(done)).toHaveLength(5 * whole.length);
    for (const name of whole) JSON.parse(readFileSync(join(folder, name), "utf8"));
    expect(hidden(folder)).toEqual([]);
    expect((await small("10m", "remount,")).code).toBe(0);
    const resumed = await world.komon(...words, "--resume");
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain(`${11 - whole.length} of ${11 - whole.length}: `);
    expect(digests(folder)).toMatchObject(done);
    expect(runFiles(folder)).toHaveLength(11);
  });

  test("--resume refuses other flags and other columns, and takes new lines", async () => {
    await using world = await World.open();
    world.write("/tmp/p", lines("0"));
    const words = ["sweep", "/tmp/p", "--reps", "1", ...out];
    expect((await world.komon(...words)).code).toBe(0);
    const hooks = await world.komon(...words, "--resume", "--gap", "fixed");
    expect([hooks.code, hooks.stderr]).toEqual([2, expect.stringContaining("gap was")]);
    const seed = await world.komon(...words, "--resume", "--seed", "1");
    expect([seed.code, seed.stderr]).toEqual([2, expect.stringContaining("--seed")]);
    world.write("/tmp/p", `3 5 0.01 1k 64 0 workers=2\n`);
    const columns = await world.komon(...words, "--resume");
    expect([columns.code, columns.stderr]).toEqual([
      2,
      expect.stringContaining("workers was none"),
    ]);
    world.write("/tmp/p", lines("0,10"));
    const more = await world.komon(...words, "--resume");
    expect(more.code).toBe(0);
    expect(more.stderr).toContain("changed since");
    expect(more.stderr).toContain("1 of 1: ");
  });
});
