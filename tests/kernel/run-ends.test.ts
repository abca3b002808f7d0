/** Every way in which a run ends before its end: it keeps what was measured, and leaves nothing behind. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { komonCommand } from "../support/komon.ts";
import { childOf, hasChild, until } from "../support/processes.ts";
import { kernelRows, rowsOf } from "../support/run.ts";
import { seen, World } from "../support/world.ts";

/** Longer than any of these tests. */
const longRun = ["run", "1000", "10", "0.05", "1000", "64", "0", "--out", "/tmp/out"];

describe("komon run", () => {
  test("Ctrl-C keeps what was measured and leaves nothing behind", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = world.spawn(...longRun);
    const folder = seen(world, "/tmp/out");
    await until(() => kernelRows(folder) >= 30);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(await child.stdout.text()).toContain("interrupted");
    const files = readdirSync(folder);
    const count = (kind: string) =>
      readFileSync(join(folder, files.find((name) => name.startsWith(kind)) ?? ""), "utf8").split(
        "\n",
      ).length - 1;
    expect(count("VNF_")).toBe(count("KERNEL_"));
    expect(count("KERNEL_")).toBeGreaterThanOrEqual(30);
    expect(await world.traces()).toEqual(before);
  });

  test("Ctrl-C on a terminal, which reaches a whole process group, keeps the truth too", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = inGroup(world, ...longRun);
    const folder = seen(world, "/tmp/out");
    await until(() => kernelRows(folder) >= 30);
    process.kill(-child.pid, "SIGINT");
    expect(await child.exited).toBe(0);
    const measured = rowsOf(folder, "KERNEL");
    expect(measured.length).toBeGreaterThanOrEqual(30);
    expect(rowsOf(folder, "VNF").length).toBe(measured.length);
    const truth = rowsOf(folder, "SPANS")
      .slice(1)
      .map((cells) => Number(cells.at(-1)));
    expect(truth.length).toBe(measured.length);
    expect(truth.filter((ns) => !(ns > 0))).toEqual([]);
    expect(await world.traces()).toEqual(before);
  });

  test.each(["vnf", "load"])(
    "Ctrl-C while the %s starts is an end like any other",
    async (role) => {
      await using world = await World.open();
      const child = inGroup(world, ...longRun);
      await until(() => hasChild(child.pid, role));
      process.kill(-child.pid, "SIGINT");
      expect(await child.stderr.text()).toBe("");
      expect(await child.exited).toBe(0);
      expect(await child.stdout.text()).toContain("interrupted");
    },
  );

  test("Ctrl-C ends komon demo as it ends a run; a VNF that dies makes it incomplete", async () => {
    await using world = await World.open();
    const demo = async (out: string, end: (pid: number) => void) => {
      const child = world.spawn("demo", "--out", out, "--quiet");
      await until(() => kernelRows(seen(world, out)) >= 100);
      end(child.pid);
      return [await child.exited, await child.stdout.text(), await child.stderr.text()];
    };
    const stopped = await demo("/tmp/a", (pid) => process.kill(pid, "SIGINT"));
    expect(stopped).toEqual([0, expect.stringContaining("ended early: interrupted"), ""]);
    const died = await demo("/tmp/b", (pid) => process.kill(childOf(pid, "vnf"), "SIGKILL"));
    expect(died[0]).toBe(1);
    expect(died[2]).toContain("SIGKILL");
  });

  test("a VNF that dies ends the run as incomplete, and the rest is kept", async () => {
    await using world = await World.open();
    const child = world.spawn(...longRun);
    await until(() => kernelRows(seen(world, "/tmp/out")) >= 20);
    process.kill(childOf(child.pid, "vnf"), "SIGKILL");
    expect(await child.exited).toBe(1);
    expect(await child.stderr.text()).toContain("SIGKILL");
    expect(kernelRows(seen(world, "/tmp/out"))).toBeGreaterThanOrEqual(20);
  });

  test("packets that never come end the interval by its time-out", async () => {
    await using world = await World.open();
    const run = await world.komon(
      ...["run", "2", "50", "0", "1000", "64", "0", "--out", "/tmp/out", "--timeout", "300ms"],
      ...["--load-args", "--count 60", "--no-cost"],
    );
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/^INCOMPLETE: \d of 2 .* time-out, 300 ms \(--timeout\)$/m);
  });

  test("a load that cannot keep its rate ends the run, and its report says why", async () => {
    await using world = await World.open();
    const run = await world.komon(
      ...["run", "100000", "10", "0", "50M", "64", "0", "--out", "/tmp/out", "--no-cost"],
      ...["--load-args", "--duration 300ms", "--format", "json"],
    );
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("cannot send that fast")]);
    expect(JSON.parse(run.stdout).load.unsent).toBeGreaterThan(0);
  });

  test("after SIGKILL the next start cleans up and says so", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = world.spawn(...longRun);
    await until(() => kernelRows(seen(world, "/tmp/out")) >= 10);
    child.kill("SIGKILL");
    await child.exited;
    const next = await world.komon("run", "1", "5", "0", "1000", "64", "0", "--out", "/tmp/out2");
    expect(next.code).toBe(0);
    expect(next.stderr).toMatch(/namespace komon-gen-/);
    expect(await world.traces()).toEqual(before);
  });
});

/** As a terminal starts it: the leader of a process group. */
function inGroup(world: World, ...words: string[]) {
  return Bun.spawn(world.command([...komonCommand, ...words]), {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}
