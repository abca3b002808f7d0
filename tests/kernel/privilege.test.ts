/** komon without root: the capabilities that SECURITY.md names, and nothing else. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, readFileSync, statSync } from "node:fs";
import { komonCommand, type Said } from "../support/komon.ts";
import { lineOf, World } from "../support/world.ts";

const nobody = 65_534;
const measuring = ["bpf", "perfmon", "net_admin", "net_raw"];
const testbed = [...measuring, "sys_admin"];

/** In a world where root has prepared what `ip netns` needs: its folder belongs to the user. */
async function prepared(owner = nobody): Promise<World> {
  const world = await World.open();
  const lines = `chmod 755 /run; ip netns add first; ip netns del first; chown ${owner} /run/netns
    chmod 1777 /tmp; mkdir -m 700 /tmp/home; chown ${nobody} /tmp/home`;
  await world.run(["sh", "-ec", lines]);
  return world;
}

function as(capabilities: readonly string[], words: readonly string[]): string[] {
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  return [
    ...["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"],
    ...[`--bounding-set=${set}`, `--inh-caps=${set}`, `--ambient-caps=${set}`],
    ...["env", "HOME=/tmp/home", ...komonCommand, ...words],
  ];
}

const komonAs = (
  world: World,
  capabilities: readonly string[],
  ...words: string[]
): Promise<Said> => world.run(as(capabilities, words), { env: { XDG_RUNTIME_DIR: undefined } });

const run = "run 2 10 0 1000 64 0 --out /tmp/home/results --format json".split(" ");

describe("without root", () => {
  test("the main job runs, in the caller's name, and leaves nothing behind", async () => {
    await using world = await prepared();
    const before = await world.traces();
    const said = await komonAs(world, testbed, ...run);
    expect(said).toMatchObject({ code: 0 });
    const { coverage, files, manifest } = JSON.parse(said.stdout);
    expect(coverage.seen).toBeGreaterThanOrEqual(20);
    expect(manifest.wrong_pairs).toBe(0);
    for (const file of files) {
      const { uid, mode } = statSync(`/proc/${world.pid}/root${file}`);
      expect({ file, uid, mode: mode & 0o777 }).toEqual({ file, uid: nobody, mode: 0o644 });
    }
    expect(await world.traces()).toEqual(before);
    expect(world.list("/tmp")).toEqual(["home"]);
  });

  test("the doctor says what can be done", async () => {
    await using world = await prepared();
    const able = await komonAs(world, testbed, "doctor", "--format", "json");
    expect(able.code).toBe(0);
    const least = await komonAs(world, ["net_admin", "sys_admin"], "doctor", "--format", "json");
    expect(least.code).toBe(0);
    const less = await komonAs(world, measuring, "doctor", "--format", "json");
    expect(less.code).toBe(3);
    const checks: { check: string; answer: string; why?: string }[] = JSON.parse(
      less.stdout,
    ).checks;
    const answer = (name: string) => checks.find(({ check }) => check === name)?.answer;
    expect(["rx", "read", "send"].map((point) => answer(`point ${point}`))).toEqual([
      "yes",
      "yes",
      "yes",
    ]);
    expect(answer("testbed")).toBe("no");
    for (const name of ["bpf", "perfmon", "net_admin"]) {
      const rest = measuring.filter((other) => other !== name);
      const { stdout } = await komonAs(world, rest, "doctor", "--format", "json");
      const found: { check: string; answer: string; found: string }[] = JSON.parse(stdout).checks;
      const rx = found.find(({ check }) => check === "point rx");
      // CAP_NET_ADMIN is for cgroup_skb, which better rungs do without.
      if (name === "net_admin" && rx && !rx.found.includes("tracepoint")) continue;
      const points = found.find(({ check }) => check === "points");
      expect({ name, points: points?.answer }).toEqual({ name, points: "no" });
    }
  });

  test("where the names of namespaces cannot be written, this is told before anything is made", async () => {
    await using world = await prepared(0);
    const before = await world.traces();
    const doctor = await komonAs(world, testbed, "doctor");
    expect(doctor.code).toBe(3);
    expect(doctor.stdout).toContain("chown 65534 /run/netns");
    const said = await komonAs(world, testbed, ...run);
    expect(said.code).toBe(3);
    expect(said.stderr).toContain("chown 65534 /run/netns");
    expect(await world.traces()).toEqual(before);
  });

  test.each(testbed)("without CAP_%s the error is no riddle, and nothing is left", async (name) => {
    await using world = await prepared();
    const before = await world.traces();
    const rest = testbed.filter((other) => other !== name);
    const said = await komonAs(world, rest, ...run);
    if (said.code !== 0) {
      expect(said.code).toBe(3);
      expect(said.stderr).toMatch(/CAP_|root/);
    }
    // CAP_SYS_ADMIN includes the two of BPF; raw sockets are for `komon probe`.
    const needed = ["net_admin", "sys_admin"].includes(name);
    expect({ name, works: said.code === 0 }).toEqual({ name, works: !needed });
    expect(await world.traces()).toEqual(before);
  });

  test.each([
    [
      ["monitor", "--port", "4711", "--interval", "50ms", "--count", "2", "--format", "jsonl"],
      "net_raw",
    ],
    [["trace", "tcplife", "--duration", "100ms"], "net_raw"],
    [["probe", "127.0.0.1", "--count", "3", "-p", "10"], ""],
  ])("%j needs no more than to load programs", async (words, less) => {
    await using world = await prepared();
    const before = await world.traces();
    const said = await komonAs(
      world,
      measuring.filter((name) => name !== less),
      ...words,
    );
    expect(said).toMatchObject({ code: 0 });
    expect(await world.traces()).toEqual(before);
  });

  test("vnf and load need no capability at all", async () => {
    await using world = await prepared();
    const vnf = Bun.spawn(
      world.command(as([], ["vnf", "--port", "4711", "--truth", "/tmp/home/truth"])),
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    await lineOf(vnf.stdout, /ready/);
    const load = await komonAs(
      world,
      [],
      "load",
      "127.0.0.1:4711",
      "--count",
      "100",
      "--format",
      "json",
    );
    expect(load.code).toBe(0);
    expect(JSON.parse(load.stdout).sent).toBe(100);
    vnf.kill("SIGINT");
    expect(await vnf.exited).toBe(0);
    expect(statSync(`/proc/${world.pid}/root/tmp/home/truth`).uid).toBe(nobody);
  });
});

describe("capabilities are given up once all is attached", () => {
  const effective = (pid: number) =>
    BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]}`);
  const CAP_BPF = 1n << 39n;

  test.each([[["trace", "tcplife"]], [["monitor", "--port", "4711", "--format", "jsonl"]]])(
    "%j",
    async (words) => {
      await using world = await World.open();
      const child = world.spawn(...words);
      try {
        const wanted = words[0] === "trace" ? /Tracing/ : /watching/;
        await lineOf(child.stderr, wanted);
        expect(effective(child.pid) & ~CAP_BPF).toBe(0n);
        expect(readFileSync(`/proc/${child.pid}/status`, "utf8")).toMatch(/^NoNewPrivs:\s*1$/m);
        child.kill("SIGINT");
        expect(await child.exited).toBe(0);
      } finally {
        child.kill("SIGKILL");
      }
    },
  );
});

describe("in a folder that others can write, too", () => {
  test("results never go through a link", async () => {
    await using world = await prepared();
    const root = `/proc/${world.pid}/root`;
    await world.run(["sh", "-c", "mkdir -m 1777 /tmp/shared; echo mine > /tmp/home/mine"]);
    chmodSync(`${root}/tmp/home/mine`, 0o666);
    const name = "KERNEL_1000pps_64byte_0_0_1_5_0_1.log";
    await world.run(["ln", "-s", "/tmp/home/mine", `/tmp/shared/${name}`]);
    const said = await world.komon("run", "1", "5", "0", "1000", "64", "0", "--out", "/tmp/shared");
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(name);
    expect(readFileSync(`${root}/tmp/home/mine`, "utf8")).toBe("mine\n");
    expect(world.list("/tmp/shared")).toEqual([name]);
  });

  test("the truth and the log of a VNF neither", async () => {
    await using world = await prepared();
    await world.run(["sh", "-c", "mkdir -m 1777 /tmp/shared; ln -s /tmp/home/new /tmp/shared/a"]);
    for (const flag of ["--truth", "--log"]) {
      const said = await world.komon("vnf", "--port", "4711", flag, "/tmp/shared/a");
      expect(said.code).toBe(2);
      expect(said.stderr).toContain("cannot write /tmp/shared/a");
    }
    expect(world.list("/tmp/home")).toEqual([]);
  });

  test("the record and the scratch folder are not believed, nor followed, when somebody made them before", async () => {
    await using world = await prepared();
    const root = `/proc/${world.pid}/root`;
    await world.run([
      "sh",
      "-c",
      `mkdir /tmp/trap; chmod 777 /tmp/trap; ln -s /tmp/trap /tmp/komon-${nobody}`,
    ]);
    const said = await komonAs(world, testbed, ...run);
    expect(said.code).toBe(3);
    expect(said.stderr).toContain("cannot keep a record");
    expect(world.list("/tmp/trap")).toEqual([]);
    expect(lstatSync(`${root}/tmp/komon-${nobody}`).isSymbolicLink()).toBe(true);
    expect(existsSync(`${root}/tmp/home/results`)).toBe(false);
  });
});
