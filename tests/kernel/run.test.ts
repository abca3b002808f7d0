/** The main job on the real kernel, in a host of its own, with the binary that users run. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { komonCommand, top } from "../support/komon.ts";
import { lineOf, World } from "../support/world.ts";

interface Run {
  readonly schema: string;
  readonly params: Record<string, number>;
  readonly hooks: Record<string, { rung: string; hook: string }>;
  readonly coverage: Record<string, number>;
  readonly spans: Record<string, Record<string, number>>;
  readonly truth: Record<string, number>;
  readonly vnf: Record<string, number>;
  readonly error: Record<string, Record<string, number>>;
  readonly cost: {
    programs: { runs: number; ns_per_run: number }[];
    ns_per_packet: number;
    packets: number;
  };
  readonly load: Record<string, number>;
  readonly files: string[];
  readonly manifest: Record<string, unknown> & {
    coverage_detail: Record<string, number>;
    wrong_pairs: number;
    incomplete_intervals: number;
  };
}

/** A folder of the world's own /tmp, as this process reaches it. */
const seen = (world: World, path: string) => `/proc/${world.pid}/root${path}`;

function rows(world: World, run: Run, kind: string): string[][] {
  const file = run.files.find((path) => path.includes(`${kind}_`));
  if (!file) throw new Error(`no ${kind}_ file in ${run.files}`);
  const text = readFileSync(seen(world, file), "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(";"));
}

function expectIdentity({ coverage: c, manifest }: Run): void {
  expect(c.matched + c.expired + c.collided + c.filtered + c.in_flight).toBe(c.seen);
  expect(c.delivered + c.lost).toBe(c.matched);
  expect(manifest.coverage_detail.unaccounted).toBe(0);
  expect(manifest.wrong_pairs).toBe(0);
}

describe("komon run", () => {
  test("writes the same packets, in the same order, in all files", async () => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "5", "23", "0.01", "2000", "128", "10", "1", "--out", "/tmp/out", "--seed", "7"],
    );
    expect(run.schema).toBe("komon.run/1");
    expectIdentity(run);
    for (const span of ["service", "queue", "sojourn", "egress", "total"]) {
      expect(run.spans[span].count).toBe(115);
    }
    for (const field of [
      "count",
      "mean_ns",
      "sd_ns",
      "p50_ns",
      "p90_ns",
      "p99_ns",
      "p999_ns",
      "max_ns",
    ]) {
      expect(run.spans.service[field]).toBeNumber();
      expect(run.truth[field]).toBeNumber();
    }
    for (const field of ["pairs", "mean_ns", "p50_ns", "p99_ns", "mae_ns", "residual_p50_ns"]) {
      expect(run.error.service[field]).toBeNumber();
      expect(run.error.sojourn[field]).toBeNumber();
    }
    expect(run.error.service.pairs).toBe(115);
    expect(run.error.service.p50_ns).toBeGreaterThan(0);
    expect(run.load.refused).toBe(0);
    expect(run.load.sent).toBe(run.coverage.seen);
    const { programs, packets, ns_per_packet } = run.cost;
    expect(programs.length).toBeGreaterThan(4);
    expect(packets).toBeGreaterThan(0);
    const allNs = programs.reduce((sum, { runs, ns_per_run }) => sum + runs * ns_per_run, 0);
    expect(ns_per_packet * packets).toBeWithin(1, allNs + 1);

    const [vnf, kernel, spans] = ["VNF", "KERNEL", "SPANS"].map((kind) => rows(world, run, kind));
    expect(vnf.length).toBe(115);
    expect(kernel.length).toBe(115);
    expect(spans.length).toBe(116); // a head
    for (let row = 0; row < 115; row++) {
      const cells = spans[row + 1].map(Number);
      const [
        interval,
        index,
        ,
        nic,
        rx,
        read,
        send,
        tx,
        service,
        queue,
        sojourn,
        egress,
        total,
        truth,
      ] = cells;
      expect(kernel[row].slice(0, 3).map(Number)).toEqual([row + 1, interval, index]);
      expect(vnf[row].slice(0, 3).map(Number)).toEqual([row + 1, interval, index - 1]);
      expect(kernel[row].slice(3, 7)).toEqual(["2000", "128", "0.01", "10"]);
      expect(Number(kernel[row][7])).toBe(sojourn);
      expect(Number(vnf[row][7])).toBe(truth);
      expect(queue + service).toBe(sojourn);
      expect([send - read, read - rx, tx - send, tx - nic]).toEqual([
        service,
        queue,
        egress,
        total,
      ]);
      expect(service).toBeGreaterThan(truth);
      expect(nic).toBeLessThan(rx);
    }
    expect(rows(world, run, "BUFFER").map(([interval]) => Number(interval))).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  test.each([0, 1, 2, 3, 4])("law %d over IPv6 is measured as the VNF says", async (law) => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "2", "50", "0", "2000", "64", "20", `${law}`, "--ipv6", "--out", "/tmp/out"],
    );
    expectIdentity(run);
    expect(run.error.service.pairs).toBe(100);
    expect(Math.abs(run.spans.service.p50_ns - run.truth.p50_ns)).toBeLessThan(20_000);
  });

  test.each([
    ["numbered payloads", ""],
    ["identical payloads", "--identical"],
  ])(
    "faults of the VNF, four workers, %s: every packet it sent is matched, none wrongly",
    async (_, load) => {
      await using world = await World.open();
      const faults = "--drop 0.05 --reorder 0.05 --duplicate 0.02 --workers 4 --cpu 0,1,0,1";
      const run = await world.komonJson<Run>(
        ...["run", "5", "400", "0", "5000", "128", "5", "--out", "/tmp/out"],
        ...["--vnf-args", faults, "--load-args", `--flows 16 ${load}`],
      );
      expectIdentity(run);
      const detail = run.manifest.coverage_detail;
      expect(run.error.service.pairs).toBe(2000);
      expect(detail.duplicate_sends).toBeGreaterThan(0);
      expect(detail.overtook).toBeGreaterThan(0);
      expect(detail.unmatched_sends).toBe(0);
      expect(run.coverage.matched).toBe(run.vnf.sent);
      expect(run.coverage.collided).toBe(0);
      expect(run.vnf.dropped / run.vnf.received).toBeGreaterThan(0.02);
      expect(run.vnf.dropped / run.vnf.received).toBeLessThan(0.1);
      expect(detail.duplicate_sends).toBe(run.vnf.sent_twice);
    },
  );

  test("the manifest says how to repeat it, and docs/run.md what each of its keys is", async () => {
    await using world = await World.open();
    const { manifest } = await world.komonJson<Run>(
      ...["run", "2", "20", "0.01", "2000", "64", "0", "--out", "/tmp/out", "--ipv6", "--awake"],
      ...["--vnf-args", "--drop 0.05 --workers 2", "--load-args=--flows 4", "--gap", "fixed"],
      ...["--hooks", "tracepoint", "--timeout", "9s", "--wait", "receive", "--port", "4321"],
    );
    expect(manifest).toMatchObject({
      ...{ vnf: "example", vnf_args: ["--drop", "0.05", "--workers", "2"], ipv6: true },
      ...{ load_args: ["--flows", "4"], hooks_asked: "tracepoint", timeout_ns: 9e9 },
      ...{ gap: "fixed", awake: true, wait: "receive", port: 4321, seed: manifest.vnf_seed },
    });
    const docs = readFileSync(join(top, "docs/run.md"), "utf8");
    const section = docs.split("### Manifest\n")[1].split("\n## ")[0];
    const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell);
    const told = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, key]) => key));
    const keys = Object.keys(manifest);
    expect(keys.filter((key) => !told.includes(key))).toEqual([]);
    const missing = told.filter((key) => !keys.includes(key));
    expect(missing.filter((key) => key !== "ended" && key !== "governor")).toEqual([]);
  });

  test("a VNF that rewrites every payload is matched by buffer", async () => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "2", "100", "0", "2000", "128", "5", "--out", "/tmp/out"],
      ...["--vnf-args", "--rewrite --drop 0.1"],
    );
    expectIdentity(run);
    expect(run.error.service.pairs).toBe(200);
    expect(run.manifest.coverage_detail.matched_rewritten).toBe(run.coverage.matched);
  });

  test("a calibration serves later runs as an extra figure, until its conditions change", async () => {
    await using world = await World.open();
    await world.run(["sh", "-c", "mount -t tmpfs none /var/lib"]);
    const words = ["run", "1", "50", "0", "1000", "64", "5", "--no-cost", "--out"];
    expect((await world.komonJson<Run>(...words, "/tmp/a")).error.corrected).toBeUndefined();
    const first = await world.komonJson<Run>(...words, "/tmp/b", "--calibrate", "--awake");
    expect(first.error.corrected.pairs).toBe(50);
    const { offset_ns } = first.manifest.calibration as { offset_ns: number };
    expect(first.error.corrected.p50_ns).toBeCloseTo(first.error.service.p50_ns - offset_ns, 3);
    const asleep = await world.komonJson<Run>(...words, "/tmp/c");
    expect(asleep.error.corrected).toBeUndefined();
    expect(asleep.manifest.calibration).toContain("--awake");
    const polled = await world.komonJson<Run>(...words, "/tmp/e", "--awake", "--wait", "never");
    expect(polled.coverage.matched).toBe(polled.coverage.seen);
    expect(polled.error.corrected).toBeUndefined();
    expect(polled.manifest.calibration).toContain("--wait ready");
    await world.run([
      "sed",
      "-i",
      's/"kernel": "/"kernel": "9/',
      "/var/lib/komon/calibration.json",
    ]);
    const moved = await world.komonJson<Run>(...words, "/tmp/d", "--awake");
    expect(moved.manifest.calibration).toContain("kernel");
  });

  test.each([
    ["run", "1 50 0 1000 64 5 --out /tmp/out --calibrate"],
    ["doctor", "--calibrate"],
    ["doctor", "--calibrate --format json"],
  ])("Ctrl-C while komon %s %s calibrates keeps the old calibration", async (verb, words) => {
    await using world = await World.open();
    await world.run(["sh", "-c", "mount -t tmpfs none /var/lib"]);
    const child = world.spawn(verb, ...words.split(" "));
    const errors = child.stderr.getReader();
    for (let said = ""; !said.includes("calibrating: 2 of"); ) {
      const { value, done } = await errors.read();
      if (done) throw new Error(said);
      said += new TextDecoder().decode(value);
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(existsSync(seen(world, "/var/lib/komon/calibration.json"))).toBe(false);
    const answer = await child.stdout.text();
    if (words.includes("json")) expect(JSON.parse(answer).able).toBe(true);
    else expect(answer.includes("komon run can run here")).toBe(verb === "doctor");
  });

  test("results are never overwritten", async () => {
    await using world = await World.open();
    const words = ["run", "1", "5", "0", "1000", "64", "0", "--out", "/tmp/out"];
    expect((await world.komon(...words)).code).toBe(0);
    const again = await world.komon(...words);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain("RUN_1000pps_64byte_0_0_1_5_0_1.json");
    expect(again.stderr).toContain("--rep");
    expect((await world.komon(...words, "--rep", "2")).code).toBe(0);
  });

  test("Ctrl-C keeps what was measured and leaves nothing behind", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = world.spawn("run", "1000", "10", "0.05", "1000", "64", "0", "--out", "/tmp/out");
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
    const child = inGroup(
      world,
      "run",
      "1000",
      "10",
      "0.05",
      "1000",
      "64",
      "0",
      "--out",
      "/tmp/out",
    );
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
      const child = inGroup(
        world,
        "run",
        "1000",
        "10",
        "0.05",
        "1000",
        "64",
        "0",
        "--out",
        "/tmp/out",
      );
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
    const child = world.spawn("run", "1000", "10", "0.05", "1000", "64", "0", "--out", "/tmp/out");
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
      ...["--load-args", "--count 60", "--format", "json", "--no-cost"],
    );
    expect(run.code).toBe(1);
    expect((JSON.parse(run.stdout) as Run).manifest.incomplete_intervals).toBeGreaterThan(0);
  });

  test("after SIGKILL the next start cleans up and says so", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const child = world.spawn("run", "1000", "10", "0.05", "1000", "64", "0", "--out", "/tmp/out");
    await until(() => kernelRows(seen(world, "/tmp/out")) >= 10);
    child.kill("SIGKILL");
    await child.exited;
    const next = await world.komon("run", "1", "5", "0", "1000", "64", "0", "--out", "/tmp/out2");
    expect(next.code).toBe(0);
    expect(next.stderr).toMatch(/namespace komon-gen-/);
    expect(await world.traces()).toEqual(before);
  });

  test("a VNF that runs already is measured without truth", async () => {
    await using world = await World.open();
    const vnf = world.spawn("vnf", "--port", "4321");
    await lineOf(vnf.stdout, /ready/);
    const run = await world.komonJson<Run>(
      ...[
        "run",
        "2",
        "20",
        "0",
        "1000",
        "64",
        "0",
        "--vnf",
        "external",
        "--port",
        "4321",
        "--out",
        "/tmp/out",
      ],
    );
    expectIdentity(run);
    expect(run.spans.service.count).toBe(40);
    expect(run.truth).toBeUndefined();
    vnf.kill("SIGINT");
    expect(await vnf.exited).toBe(0);
  });

  test.each([
    [["run", "1", "5", "0", "1000", "64"], "DELAY"],
    [["run", "1", "5", "0", "1000", "64", "0", "0", "surplus"], "surplus"],
    [["run", "0", "5", "0", "1000", "64", "0"], "INTERVALS"],
    [["run", "1", "-5", "0", "1000", "64", "0"], "-5"],
    [["run", "1", "5", "0", "0", "64", "0"], "PPS"],
    [["run", "1", "5", "0", "1000", "70000", "0"], "SIZE"],
    [["run", "1", "5", "0", "1000", "64", "0", "9"], "9"],
    [["run", "1", "5", "0", "1000", "64", "0", "--hoks", "auto"], "--hooks"],
    [["run", "1", "5", "0", "1000", "64", "0", "--cpu", "9999"], "CPU 9999"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf-args", "--drp 0.05"], "--vnf-args"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf-args", "--cpu 9999"], "CPU 9999"],
    [["run", "1", "5", "0", "1000", "64", "0", "--load-args", "--burst 5"], "--load-args"],
    [["run", "1", "5", "0", "1000", "64", "0", "--load-args=--help"], "--load-args"],
  ])("wrong use ends with 2 and names what is wrong: %p", async (words, told) => {
    await using world = await World.open();
    const said = await world.komon(...words);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(told);
    expect(said.stdout).toBe("");
  });

  test("an output folder that cannot be made is told before anything is measured", async () => {
    await using world = await World.open();
    const said = await world.komon("run", "1", "5", "0", "1000", "64", "0", "--out", "/proc/komon");
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("/proc/komon");
  });
});

/** As a terminal starts it: the leader of a process group. */
function inGroup(world: World, ...words: string[]) {
  return Bun.spawn(world.command([...komonCommand, ...words]), {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

function rowsOf(folder: string, kind: string): string[][] {
  const name = readdirSync(folder).find((file) => file.startsWith(`${kind}_`));
  const text = readFileSync(join(folder, name ?? ""), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(";"));
}

function kernelRows(folder: string): number {
  try {
    const name = readdirSync(folder).find((file) => file.startsWith("KERNEL_"));
    return name ? readFileSync(join(folder, name), "utf8").split("\n").length - 1 : 0;
  } catch {
    return 0;
  }
}

/** Looks until it is so; the test's own time-out ends a wait in vain. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await Bun.sleep(5);
}

function hasChild(pid: number, word: string): boolean {
  try {
    return descendant(pid, word) !== undefined;
  } catch {
    return false; // one that ended while it was looked at
  }
}

/** The pid of the descendant of `pid` whose command line has this word. */
function childOf(pid: number, word: string): number {
  const found = descendant(pid, word);
  if (found === undefined) throw new Error(`no descendant of ${pid} with "${word}"`);
  return found;
}

function descendant(pid: number, word: string): number | undefined {
  const todo = [pid];
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    const words = readFileSync(`/proc/${at}/cmdline`, "utf8").split("\0");
    if (words.includes(word)) return at;
    todo.push(
      ...readFileSync(`/proc/${at}/task/${at}/children`, "utf8")
        .trim()
        .split(" ")
        .filter(Boolean)
        .map(Number),
    );
  }
  return undefined;
}
