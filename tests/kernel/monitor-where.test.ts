/** Which packets the monitor watches: forwarded ones, those of a cgroup, a container, a process, a namespace. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountPoint } from "../../src/kernel/mounts.ts";
import { komonCommand } from "../support/komon.ts";
import { startMonitor, startProgram, startVnf } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(120_000);

const packets = 2000;

describe("komon monitor of", () => {
  test("a router between two namespaces: nic → tx, with no process at all", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Bed>("testbed", "up");
    await world.sysctl("ipv4/ip_forward", 1);
    const { gen, host_in: router, target } = bed.ipv4;
    await world.ip("-n", bed.gen_namespace, "route", "add", `${target}/32`, "via", router);
    const devices = ["--in-interface", bed.in_device.name, "--out-interface", bed.out_device.name];
    const vain = await world.komon("monitor", ...devices, "--slo", "service.p99<1ms");
    expect([vain.code, vain.stderr]).toEqual([2, expect.stringContaining("expected total")]);
    await using monitor = await startMonitor(world, ...devices, ...["--deadline", "1ns"]);
    const before = await counters(world);
    const sent = await world.komon(
      ...[
        "load",
        `${target}:9`,
        "--netns",
        bed.gen_namespace,
        "--count",
        `${packets}`,
        "--pps",
        "20k",
      ],
    );
    expect(sent).toMatchObject({ code: 0 });
    // One for the router itself: it comes in and does not go out.
    await world.komon("load", `${router}:9`, "--netns", bed.gen_namespace, "--count", "1");
    const after = await counters(world);
    const seen = await monitor.stop();
    expect(after.gen_tx - before.gen_tx).toBe(packets + 1);
    expect(after.sink_rx - before.sink_rx).toBe(packets);
    expect(seen.sum("total", "seen")).toBe(packets + 1);
    expect(seen.sum("total", "matched")).toBe(packets);
    expect(seen.sum("total")).toBe(packets);
    expect(seen.sum("total", "collided")).toBe(0);
    const last = seen.rows.at(-1);
    expect(last).toMatchObject({ port: null, span: "total", deadline_missed: packets });
    expect(seen.rows.every((row) => row.p50_ns === null || Number(row.p50_ns) > 0)).toBe(true);
    expect(gen).not.toBe("");
    await world.komon("testbed", "down");
  });

  test("a cgroup: only what its processes read, and their ports found by themselves", async () => {
    await using world = await World.open();
    using group = new TestCgroup();
    await using inside = await startVnf(world, 7100);
    await using _outside = await startVnf(world, 7200);
    group.add(inside.pid);
    await using monitor = await startMonitor(world, "--cgroup", group.name);
    await using both = await startMonitor(world, "--cgroup", group.name, "--port", "7100,7200");
    for (const to of [7100, 7200]) {
      await world.komon("load", `127.0.0.1:${to}`, "--count", "23", "--pps", "1k");
    }
    const one = await monitor.stop();
    expect(new Set(one.rows.map((row) => row.port))).toEqual(new Set([7100]));
    expect(one.sum("service")).toBe(23);
    const two = await both.stop();
    const of = (watched: number, column: string) =>
      two.rows
        .filter((row) => row.port === watched && row.span === "service")
        .reduce((sum, row) => sum + Number(row[column]), 0);
    expect([of(7100, "packets"), of(7100, "filtered")]).toEqual([23, 0]);
    expect([of(7200, "packets"), of(7200, "filtered")]).toEqual([0, 23]);
  });

  test("a container, by what its tool says: its cgroup, or else its network namespace", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Bed>("testbed", "up");
    using group = new TestCgroup();
    await using _outside = await startVnf(world, 7200);
    await using inCgroup = await startVnf(world, 7100);
    group.add(inCgroup.pid);
    const words = ["vnf", "--port", "7300", "--address", "127.0.0.1"];
    const enter = ["ip", "netns", "exec", bed.gen_namespace, ...komonCommand, ...words];
    await world.ip("-n", bed.gen_namespace, "link", "set", "lo", "up");
    await using inNamespace = await startProgram(world, enter);
    // The tool is the one thing that this machine lacks; it says `inspect NAME` as docker does.
    world.write(
      "/tmp/docker",
      `#!/bin/sh
case $4 in
  web) echo ${inCgroup.pid} ;;
  dns) echo ${inNamespace.pid} ;;
  *) exit 1 ;;
esac
`,
    );
    await world.run(["chmod", "+x", "/tmp/docker"]);
    const monitor = (container: string) =>
      world.run(
        [
          ...komonCommand,
          "monitor",
          "--count",
          "1",
          "--interval",
          "20ms",
          "--container",
          container,
        ],
        { env: { PATH: `/tmp:${process.env.PATH}` } },
      );
    expect((await monitor("web")).stderr).toContain("watching port 7100: ");
    for (;;) {
      const { stderr } = await monitor("dns");
      if (stderr.includes("watching port 7300: ")) break;
      expect(stderr).toContain("receives on no UDP port"); // it has not come so far
    }
    const none = await monitor("nobody");
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain('no running container "nobody"');
    await world.komon("testbed", "down");
  });

  test("a process, and a namespace by its name", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Bed>("testbed", "up");
    await using vnf = await startVnf(world, 7100);
    await using first = await startMonitor(world, "--pid", `${vnf.pid}`);
    await using other = await startMonitor(world, "--port", "7100", "--netns", bed.gen_namespace);
    await world.komon("load", "127.0.0.1:7100", "--count", "23", "--pps", "1k");
    expect((await first.stop()).sum("service")).toBe(23);
    const none = await other.stop();
    expect([none.sum("service"), none.sum("service", "seen")]).toEqual([0, 0]);
    await world.komon("testbed", "down");
  });
});

interface Bed {
  readonly gen_namespace: string;
  readonly in_device: { readonly name: string };
  readonly out_device: { readonly name: string };
  readonly ipv4: { readonly gen: string; readonly host_in: string; readonly target: string };
}

async function counters(world: World): Promise<{ gen_tx: number; sink_rx: number }> {
  const status = await world.komonJson<{ rows: { gen_tx: number; sink_rx: number }[] }>(
    "testbed",
    "status",
  );
  return status.rows[0];
}

/** A cgroup of the test's own, below the root of the hierarchy. */
class TestCgroup implements Disposable {
  readonly name = `komon-test-${process.pid}`;
  readonly #path: string;

  constructor() {
    const root = mountPoint("cgroup2");
    if (root === undefined) throw new Error("no cgroup2 hierarchy is mounted");
    this.#path = join(root, this.name);
    mkdirSync(this.#path);
  }

  add(pid: number): void {
    writeFileSync(`${this.#path}/cgroup.procs`, `${pid}`);
  }

  [Symbol.dispose](): void {
    const root = `${this.#path}/..`;
    for (const pid of readFileSync(`${this.#path}/cgroup.procs`, "utf8").split("\n")) {
      if (pid) writeFileSync(`${root}/cgroup.procs`, pid);
    }
    rmdirSync(this.#path);
  }
}
