/** komon itself in want: of descriptors, memory, CPUs, room, readers, a port of its own. It says so, and leaves nothing. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { komonCommand, type Said } from "../support/komon.ts";
import { LimitedGroup, lacksGroups } from "../support/limitedGroup.ts";
import { testUnless } from "../support/needs.ts";
import { expectIdentity, type Run } from "../support/run.ts";
import { lineOf, World } from "../support/world.ts";

const komon = komonCommand.join(" ");
const main = "run 3 20 0.01 2000 64 0 --out /tmp/out";

function expectExact(text: string): Run {
  const run = JSON.parse(text) as Run;
  expectIdentity(run);
  return run;
}

/** Runs a shell line; afterwards, at the latest after `komon cleanup`, the world is as before. */
async function suffering(line: string, check: (said: Said, world: World) => void): Promise<void> {
  await using world = await World.open();
  await world.run(["sh", "-c", "ip netns add first; ip netns del first"]);
  const before = await world.traces();
  check(await world.run(["sh", "-c", line]), world);
  await world.komon("cleanup");
  expect(await world.traces()).toEqual(before);
  expect(world.list("/tmp").filter((name) => name !== "out" && !name.startsWith("mine"))).toEqual(
    [],
  );
}

/** Never a stack, and a mend where komon ends early. */
function expectTold(said: Said): void {
  expect(said.stderr).not.toMatch(/defect|^ +at /m);
  if (said.code !== 0) expect(said.stderr).toMatch(/^error: /m);
}

describe("limits", () => {
  test.each([16, 24, 40])("%d open files", async (files) => {
    await suffering(`ulimit -n ${files}; ${komon} ${main} --format json`, (said) => {
      expectTold(said);
      if (said.code === 0) expectExact(said.stdout);
      else expect(said.stderr).toMatch(/ulimit -n|EMFILE/);
    });
  });

  for (const mebibytes of [24, 400]) {
    testUnless(lacksGroups("memory"), `a memory cgroup of ${mebibytes} MiB`, async () => {
      await using group = new LimitedGroup("memory", mebibytes);
      const line = `echo $$ > ${group.path}/cgroup.procs; ${komon} ${main} --format json`;
      await suffering(line, (said) => {
        if (said.code !== 137) expectTold(said); // the kernel kills what is over its limit
        if (said.code === 0) expectExact(said.stdout);
        expect({ mebibytes, works: said.code === 0 }).toEqual({ mebibytes, works: mebibytes > 24 });
      });
    });
  }

  test("one CPU only", async () => {
    await suffering(`taskset -c 0 ${komon} ${main} --format json`, (said) => {
      expect(said.code).toBe(0);
      expectExact(said.stdout);
    });
  });

  testUnless(lacksGroups("cpuset"), "a cpuset of one CPU", async () => {
    await using group = new LimitedGroup("cpuset", 0);
    const line = `echo $$ > ${group.path}/cgroup.procs; ${komon} ${main} --format json`;
    await suffering(line, (said) => {
      expectTold(said);
      expect(said.code).toBe(0);
      expectExact(said.stdout);
    });
  });
});

describe("output", () => {
  test("a full disk: whole rows are kept, the result is told, and where room is missing", async () => {
    const mount = "mkdir /tmp/out; mount -t tmpfs -o size=64k tmpfs /tmp/out";
    await suffering(
      `${mount}; ${komon} run 50 100 0 10000 64 0 --out /tmp/out --format json`,
      (said, world) => {
        expect(said.code).toBe(1);
        expect(said.stderr).toContain("ENOSPC");
        expect(said.stderr).toContain("--out");
        const names = world.list("/tmp/out");
        expect(names.filter((name) => !/^(KERNEL|VNF|BUFFER|SPANS)_.*\.log$/.test(name))).toEqual(
          [],
        );
        const kernel = readFileSync(
          `/proc/${world.pid}/root/tmp/out/${names.find((name) => name.startsWith("KERNEL_"))}`,
          "utf8",
        );
        expect(kernel.length).toBeGreaterThan(10_000);
        const rows = kernel.trimEnd().split("\n");
        for (const row of rows) expect(row.split(";")).toHaveLength(8);
        expect(kernel.endsWith("\n")).toBe(true);
        const { spans, error, manifest } = JSON.parse(said.stdout);
        expect(spans.sojourn.count).toBeGreaterThanOrEqual(rows.length);
        expect(error.service.pairs).toBe(spans.sojourn.count);
        expect(manifest.ended).toContain("cannot write");
      },
    );
  });

  test.each(["| head -1", "| true", ">&-"])("stdout %s", async (redirection) => {
    const line = `{ ${komon} ${main}; echo "ended $?" >> /tmp/mine; } ${redirection}`;
    await suffering(line, (said, world) => {
      expectTold({ ...said, code: 0 });
      expect(readFileSync(`/proc/${world.pid}/root/tmp/mine`, "utf8")).toBe("ended 0\n");
    });
  });
});

describe("two komons at once", () => {
  test("on one port: each measures its own VNF, exactly", async () => {
    await using world = await World.open();
    await world.run(["sh", "-c", "ip netns add first; ip netns del first"]);
    const before = await world.traces();
    const both = await Promise.all(
      [1, 2].map((at) => world.komon(...main.split(" "), "--format", "json", "--rep", `${at}`)),
    );
    for (const said of both) {
      expect(said).toMatchObject({ code: 0, stderr: "" });
      const { coverage, spans } = JSON.parse(said.stdout) as {
        spans: { service: { count: number } };
      } & Run;
      expectExact(said.stdout);
      expect(spans.service.count).toBe(60);
      expect(coverage.lost).toBe(0);
    }
    expect(await world.traces()).toEqual(before);
  });

  test("with one output folder: the second one says what is there", async () => {
    await using world = await World.open();
    const both = await Promise.all([1, 2].map(() => world.komon(...main.split(" "))));
    expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
    const refused = both.find(({ code }) => code === 2);
    expect(refused?.stderr).toContain("--rep");
    expect(world.list("/tmp/out")).toHaveLength(5);
  });
});

describe("while it runs", () => {
  const long = "run 1000 20 0.01 2000 64 0 --out /tmp/out --timeout 300ms --format json";

  test.each([
    ["its device is deleted", "ip link del $(ip -o link | grep -o 'kmn[0-9a-f]*in')"],
    ["its device is set down", "ip link set down $(ip -o link | grep -o 'kmn[0-9a-f]*in')"],
    [
      "its namespaces are deleted",
      "for n in $(ip netns | cut -d' ' -f1); do ip netns del $n; done",
    ],
  ])("%s", async (_, spoil) => {
    await using world = await World.open();
    await world.run(["sh", "-c", "ip netns add first; ip netns del first"]);
    const before = await world.traces();
    const child = world.spawn(...long.split(" "));
    const said = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await measuring(world);
    expect((await world.run(["sh", "-ec", spoil])).stderr).toBe("");
    setTimeout(() => child.kill("SIGINT"), 1000).unref();
    await child.exited;
    const [stdout, stderr] = await said;
    expectTold({ code: child.exitCode ?? 0, stdout, stderr });
    expectExact(stdout);
    await world.komon("cleanup");
    expect(await world.traces()).toEqual(before);
  });

  test("the VNF is stopped for a while: its packets wait, and none is paired wrongly", async () => {
    await using world = await World.open();
    const vnf = world.spawn("vnf", "--port", "4321");
    await lineOf(vnf.stdout, /ready/);
    const words =
      "run 20 50 0.01 2000 64 0 --out /tmp/out --vnf external --port 4321 --format json";
    const child = world.spawn(...words.split(" "));
    const said = new Response(child.stdout).text();
    await measuring(world);
    vnf.kill("SIGSTOP");
    await Bun.sleep(300); // what is to be suffered
    vnf.kill("SIGCONT");
    expect(await child.exited).toBe(0);
    const { coverage } = expectExact(await said);
    expect(coverage.matched).toBeGreaterThan(1000);
    vnf.kill("SIGINT");
    await vnf.exited;
  });
});

/** Waits until the first rows are written. */
async function measuring(world: World): Promise<void> {
  const folder = `/proc/${world.pid}/root/tmp/out`;
  const has = (name: string) => readFileSync(join(folder, name), "utf8").length > 0;
  while (!world.list("/tmp/out").some((name) => name.startsWith("KERNEL_") && has(name))) {
    await Bun.sleep(5);
  }
}
