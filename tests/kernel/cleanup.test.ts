import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTicks } from "../../src/testbed/owner.ts";
import { cleanup, killAt } from "../support/cleanup.ts";
import { lineOf, World } from "../support/world.ts";

const program = (name: string, ...words: string[]): string[] => [
  process.execPath,
  join(import.meta.dir, `programs/${name}.ts`),
  ...words,
];

/** False for a zombie: nothing of it is left but its number. */
function lives(pid: number): boolean {
  return startTicks(pid) !== undefined;
}

describe("what a killed komon left behind", () => {
  test("goes at the next start, which says so, with the processes it had started", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = Bun.spawn(world.command(program("hold", "abandon")), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const held = JSON.parse(await lineOf(child.stdout, /genNamespace/)) as {
      pid: number;
      genNamespace: string;
      children: number[];
    };
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    expect(held.children.map(lives)).toEqual([true, true]);
    expect(world.list("/run")).toContain("komon-test-file");

    const next = await world.komon("testbed", "up");
    expect(next.code).toBe(0);
    expect(next.stderr).toContain(`removed what komon PID ${held.pid} left behind: `);
    for (const thing of [
      `namespace ${held.genNamespace}`,
      "file /run/komon-test-file",
      ...held.children.map((pid) => `process ${pid} (sleep 600)`),
    ]) {
      expect(next.stderr).toContain(thing);
    }
    expect(held.children.map(lives)).toEqual([false, false]);
    await world.komon("testbed", "down");
    expect(await world.traces()).toEqual(before);
  });

  test("goes whatever was half done when it was killed", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const moments: Record<string, () => boolean> = {
      "has a record": () => world.list("/run/komon").length > 0,
      "has a namespace": () => world.list("/run/netns").length > 0,
      "has two namespaces": () => world.list("/run/netns").length > 1,
      "has a device": () => world.devices().length > 1,
      "has two devices": () => world.devices().length > 2,
    };
    for (const [moment, hasCome] of Object.entries(moments)) {
      const killed = await killAt(world, ["testbed", "up"], hasCome);
      const found = await cleanup(world);
      expect({ moment, killed, traces: await world.traces() }).toEqual({
        moment,
        killed: true,
        traces: before,
      });
      if (moment.includes("device")) expect(found.map(({ of }) => of)).toContain("testbed");
    }
  });

  test("goes once when two clean up at the same time", async () => {
    await using world = await World.open();
    const before = await world.traces();
    await killAt(world, ["testbed", "up"], () => world.devices().length > 2);
    const found = (await Promise.all([cleanup(world), cleanup(world), cleanup(world)])).flat();
    const names = found.filter(({ of }) => of === "testbed").map(({ resource }) => resource);
    expect(new Set(names).size).toBe(names.length);
    expect(found.map(({ result }) => result)).toEqual(found.map(() => "removed"));
    expect(await world.traces()).toEqual(before);
  });

  test("is told, not removed, by --dry-run", async () => {
    await using world = await World.open();
    await killAt(world, ["testbed", "up"], () => world.devices().length > 2);
    const before = await world.traces();
    const told = await cleanup(world, "--dry-run");
    expect(told.some(({ result }) => result === "would be removed")).toBe(true);
    expect(await world.traces()).toEqual(before);
    const removed = await cleanup(world);
    expect(removed.map(({ resource }) => resource).sort()).toEqual(
      told.map(({ resource }) => resource).sort(),
    );
  });
});

describe("cleanup leaves alone", () => {
  test("a testbed that was made to stay, unless told --all", async () => {
    await using world = await World.open();
    const before = await world.traces();
    await world.komonJson("testbed", "up");
    const during = await world.traces();
    expect(await cleanup(world)).toEqual([]);
    expect(await world.traces()).toEqual(during);
    expect(await cleanup(world, "--all")).toHaveLength(4);
    expect(await world.traces()).toEqual(before);
  });

  test("a device and a process that only have the recorded name or number", async () => {
    await using world = await World.open();
    await world.ip("link", "add", "kmn0001in", "type", "veth", "peer", "name", "other");
    const bystander = Bun.spawn(["sleep", "600"]);
    const before = await world.traces();
    const [bootId, pidNamespace] = await Promise.all([
      Bun.file("/proc/sys/kernel/random/boot_id").text(),
      world.run(["readlink", "/proc/self/ns/pid"]),
    ]);
    const [netns] = (await world.run(["readlink", "/proc/self/ns/net"])).stdout.split("\n");
    await world.run(["mkdir", "--mode=0700", "/run/komon"]);
    // The owner: a PID that lives, with another start time, as after the number was used again.
    world.write(
      `/run/komon/${process.pid}-1-1.json`,
      JSON.stringify({
        schema: "komon.registry/1",
        kind: "testbed",
        owner: {
          pid: process.pid,
          startTicks: 1,
          bootId: bootId.trim(),
          pidNamespace: pidNamespace.stdout.trim(),
          command: "komon test",
        },
        persistent: false,
        resources: [
          { kind: "device", name: "kmn0001in", mac: "02:6b:00:00:00:02", netns },
          { kind: "process", pid: bystander.pid, startTicks: 1, name: "sleep 600" },
        ],
      }),
    );
    expect(await cleanup(world)).toEqual([]);
    expect(await world.traces()).toEqual(before);
    expect(lives(bystander.pid)).toBe(true);
    bystander.kill();
  });

  test("what others named, even with --all; what bears its names it takes then only", async () => {
    await using world = await World.open();
    const before = await world.traces();
    await world.ip("netns", "add", "komon-other");
    await world.ip("link", "add", "kmnother", "type", "veth", "peer", "name", "peer");
    const theirs = await world.traces();
    await world.komonJson("testbed", "up");
    await world.run(["rm", "-r", "/run/komon"]);
    const lost = await world.traces();
    expect(await cleanup(world)).toEqual([]);
    expect(await cleanup(world, "--all", "--dry-run")).toHaveLength(4);
    expect(await world.traces()).toEqual(lost);
    expect((await cleanup(world, "--all")).map(({ of }) => of)).toEqual(Array(4).fill("unknown"));
    expect(await world.traces()).toEqual(theirs);
    await world.ip("netns", "del", "komon-other");
    await world.ip("link", "del", "kmnother");
    expect(await world.traces()).toEqual(before);
  });
});

describe("the record of what komon makes", () => {
  test("goes elsewhere, which is said, where /run/komon cannot be written", async () => {
    await using world = await World.open();
    await world.run(["mkdir", "/run/komon"]);
    await world.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/run/komon"]);
    const up = await world.komon("testbed", "up");
    expect(up.code).toBe(0);
    expect(up.stderr).toContain(
      "/run/komon is not writable; komon keeps its record in /tmp/komon-0",
    );
    expect(world.list("/tmp/komon-0")).toHaveLength(1);
    expect(await cleanup(world, "--all")).toHaveLength(4);
    expect(world.list("/tmp/komon-0")).toEqual([]);
  });

  test("comes first: where it cannot be written, nothing is made", async () => {
    await using world = await World.open();
    await world.run(["mkdir", "/run/komon"]);
    await world.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=4k", "tmpfs", "/run/komon"]);
    await world.run(["sh", "-c", "head -c 4096 /dev/zero > /run/komon/full"]);
    const before = await world.traces();
    const up = await world.komon("testbed", "up");
    expect(up).toMatchObject({ code: 3, stderr: expect.stringContaining("ENOSPC") });
    expect(await world.traces()).toEqual(before);
  });

  test("is not believed where others could have written it", async () => {
    await using world = await World.open();
    const before = await world.traces();
    await killAt(world, ["testbed", "up"], () => world.devices().length > 2);
    await world.run(["chmod", "0777", "/run/komon"]);
    expect(await cleanup(world)).toEqual([]);
    await world.run(["chmod", "0700", "/run/komon"]);
    expect((await cleanup(world)).length).toBeGreaterThan(0);
    expect(await world.traces()).toEqual(before);
  });
});
