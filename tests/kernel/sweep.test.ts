/** Sweeps on the real kernel, each in a host of its own, with the binary that users run. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { komonCommand } from "../support/komon.ts";
import { World } from "../support/world.ts";

interface Table {
  readonly schema: string;
  readonly rows: readonly Record<string, string | number | boolean | null>[];
}

interface SweepFile {
  readonly schema: string;
  readonly seed: number;
  readonly order: string;
  readonly files: readonly { path: string; text: string; sha256: string }[];
  readonly sessions: readonly { ended?: string; measured: number; host: Record<string, unknown> }[];
  readonly runs: readonly { line: number; state: string; why?: string; result: string }[];
}

setDefaultTimeout(120_000);

/** A folder of the world's own /tmp, as this process reaches it. */
const seen = (world: World, path: string) => `/proc/${world.pid}/root${path}`;

/** Names in a folder, hidden ones too; none when it is not there. */
const names = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
const runFiles = (folder: string) => names(folder).filter((name) => name.startsWith("RUN_"));
const hidden = (folder: string) => names(folder).filter((name) => name.startsWith("."));

function digests(folder: string): Record<string, string> {
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
  const results = names(folder).filter((name) => /^[A-Z]+_/.test(name));
  return Object.fromEntries(results.map((name) => [name, digest(name)]));
}

const sweepFile = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "SWEEP.json"), "utf8")) as SweepFile;

/** Looks until it is so; the test's own time-out ends a wait in vain. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await Bun.sleep(5);
}

/** Short runs: one for each delay. */
const lines = (delays: string) => `3 5 0.01 1k 64 ${delays}\n`;
/** An interval may take long where other tests keep the processors busy. */
const patience = ["--timeout", "60s"];
const out = ["--out", "/tmp/out", ...patience];

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
    process.kill(await childOf(child.pid, "vnf"), "SIGKILL");
    expect(await child.exited).toBe(1);
    expect(sweepFile(folder).runs.map(({ state }) => state)).toEqual(["failed", "done"]);
    expect(sweepFile(folder).runs[0].why).toContain("SIGKILL");
    expect(runFiles(folder)).toHaveLength(1);
    const [aside] = names(join(folder, ".failed"));
    expect(names(join(folder, ".failed", aside))).toContain(kernel);
    const report = await world.komonJson<Table>("report", "/tmp/out");
    expect(report.rows).toHaveLength(1);
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

/** The pid of the descendant of `pid` whose command line has this word. */
async function childOf(pid: number, word: string): Promise<number> {
  const todo = [pid];
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    const words = readFileSync(`/proc/${at}/cmdline`, "utf8").split("\0");
    if (words.includes(word)) return at;
    const children = readFileSync(`/proc/${at}/task/${at}/children`, "utf8").trim();
    todo.push(...children.split(" ").filter(Boolean).map(Number));
  }
  throw new Error(`no descendant of ${pid} with "${word}"`);
}
