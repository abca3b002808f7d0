/** attach, ctl, detach: measuring with no process, as a shell script of 2019 used it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "node:os";
import { libbpf } from "../../src/kernel/libbpf.ts";
import { cstring, libc } from "../../src/kernel/libc.ts";
import { komonCommand, type Said } from "../support/komon.ts";
import { lineOf, World } from "../support/world.ts";

const PINS = "/sys/fs/bpf/komon";

/** 1e9d74660d4d "bpf: Fix mount source show for bpffs" */
const [major = 0, minor = 0] = release().split(".").map(Number);
const saysWhoMounted = major > 5 || (major === 5 && minor >= 17);

setDefaultTimeout(300_000); // each step is a process of its own, which takes a second in an emulated kernel

describe("komon attach, ctl, detach", () => {
  let world: World;
  beforeAll(async () => {
    world = await World.open();
    await hideBpffs(world);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const cat = async (port: number) => {
    const { stdout } = await world.run(["cat", `${PINS}/${port}/vnfinfo_udp`]);
    return stdout;
  };
  /** What it shows once the packets that were sent have come through. */
  const shows = async (port: number, wanted: RegExp | string): Promise<string> => {
    for (;;) {
      const text = await cat(port);
      if (typeof wanted === "string" ? text === wanted : wanted.test(text)) return text;
      await Bun.sleep(5);
    }
  };
  const ctl = (port: number, ...words: string[]) =>
    world.komon("ctl", "--port", `${port}`, ...words);

  test("nothing is attached: each command says so", async () => {
    expect(await ctl(1234, "start")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /nothing is attached to port 1234[\s\S]*komon attach --port 1234/,
      ),
    });
    expect(await world.komon("detach", "--port", "1234")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing is attached to port 1234"),
    });
    expect(await world.komon("detach", "--all")).toMatchObject({
      code: 0,
      stderr: "nothing was attached\n",
    });
    expect((await world.komon("detach")).code).toBe(2);
  });

  test("mounts the BPF file system once, says so, and takes it away with the last pin", async () => {
    expect(await bpfMounts(world)).toBe(0);
    const first = await world.komon("attach", "--port", "1234", "--cbsize", "10");
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("mounted the BPF file system"),
    });
    const second = await world.komon("attach", "--port", "1235");
    expect(second.code).toBe(0);
    expect(second.stderr).not.toContain("mounted");
    expect(await bpfMounts(world)).toBe(1);
    expect((await world.komon("detach", "--port", "1235")).code).toBe(0);
    expect(await bpfMounts(world)).toBe(1);
    expect((await world.komon("detach", "--all")).code).toBe(0);
    expect(await bpfMounts(world)).toBe(saysWhoMounted ? 0 : 1);
    expect(world.list("/run/komon")).toEqual([]);
  });

  test("states and texts of 2019", async () => {
    await using attached = await attach(world, 1234, "--cbsize", "10");
    await using _vnf = await startVnf(world, 1234);
    const send = (count: number) => load(world, 1234, count);

    expect(await cat(1234)).toBe("WAITING. Activate first!\n");
    await send(3); // not measured: nobody has started
    expect(await cat(1234)).toBe("WAITING. Activate first!\n");
    expect((await ctl(1234, "start")).code).toBe(0);
    expect(await cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await send(4);
    await shows(1234, "ACTIVE. 4 Packets monitored.\n");

    // A number is ignored while it is active, and that is said.
    expect(await ctl(1234, "5")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ignored"),
    });
    expect(await cat(1234)).toBe("ACTIVE. 4 Packets monitored.\n");
    expect((await ctl(1234, "reset_packets")).code).toBe(0);
    expect(await cat(1234)).toBe("ACTIVE. 4 Packets monitored.\n");
    expect((await ctl(1234, "reset_proc")).code).toBe(0);
    expect(await cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await send(3);
    await shows(1234, "ACTIVE. 3 Packets monitored.\n");
    expect(await ctl(1234, "start")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("was ACTIVE with 3 of 10 packets"),
    });
    expect(await cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");

    await send(23);
    const text = await shows(1234, /^(\d+;){9}\d+\n$/);
    expect(await cat(1234)).toBe(text); // not consumed
    await send(5);
    await shows(1234, text); // the interval is over
    expect((await ctl(1234, "reset_packets")).code).toBe(0);
    expect(await cat(1234)).toBe(text);
    expect((await ctl(1234, "10")).code).toBe(0); // the size it has
    expect(await cat(1234)).toBe(text);

    // Another size hides them, and they do not come back: that was a fault of 2019.
    for (const size of ["7", "10"]) expect((await ctl(1234, size)).code).toBe(0);
    expect(await cat(1234)).toBe("WAITING. Activate first!\n");

    for (const [word, values] of [
      ["3", 3],
      ["0x4", 4],
      ["010", 8],
      ["-1", 10],
      ["99", 10],
      ["0", 10],
      ["1", 1],
    ] as const) {
      expect((await ctl(1234, word)).code).toBe(0);
      expect((await ctl(1234, "start")).code).toBe(0);
      await send(12);
      await shows(1234, new RegExp(`^(\\d+;){${values - 1}}\\d+\n$`));
    }
    await ctl(1234, "reset_proc");
    expect(await cat(1234)).toBe("WAITING. Activate first!\n");
    await ctl(1234, "start");
    await send(1);
    await ctl(1234, "start");
    await ctl(1234, "stop");
    await send(1);
    expect(await cat(1234)).toBe("WAITING. Activate first!\n");
    expect(await ctl(1234, "startfoo")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("start"),
    });
    expect((await ctl(1234, "")).code).toBe(2);

    const status = JSON.parse((await ctl(1234, "status", "--format", "json")).stdout);
    expect(status).toMatchObject({
      port: 1234,
      state: "WAITING",
      counter: 0,
      sample_size: 1,
      cbsize: 10,
    });
    expect(status.coverage).toMatchObject({
      unaccounted: 0,
      in_flight: 0,
      expired: 0,
      collided: 0,
    });
    // Other network namespaces of this machine may use the port, too.
    expect(status.coverage.matched).toBe(status.coverage.seen - status.coverage.filtered);
    await attached.end();
  });

  test("values are the sojourn: they hold the service time that the VNF was asked for", async () => {
    await using attached = await attach(world, 1234, "--cbsize", "23");
    await using _vnf = await startVnf(world, 1234, "--delay", "300us");
    await ctl(1234, "start");
    await load(world, 1234, 23, "200");
    const values = (await shows(1234, /;/)).trim().split(";").map(Number);
    expect(values).toHaveLength(23);
    expect(values.filter((ns) => ns < 300_000)).toEqual([]);
    await attached.end();
  });

  test("several ports side by side, each with its own state", async () => {
    await using first = await attach(world, 1234, "--cbsize", "5");
    await using second = await attach(world, 4321, "--cbsize", "1000");
    await using _vnf1 = await startVnf(world, 1234);
    await using _vnf2 = await startVnf(world, 4321);
    await ctl(1234, "start");
    await ctl(4321, "start");
    await load(world, 1234, 7);
    await load(world, 4321, 11);
    await shows(1234, /^(\d+;){4}\d+\n$/);
    await shows(4321, "ACTIVE. 11 Packets monitored.\n");
    await first.end();
    await load(world, 4321, 2);
    await shows(4321, "ACTIVE. 13 Packets monitored.\n");
    await second.end();
  });

  test("many results: the text is whole beyond the kernel's buffer of 32 KiB", async () => {
    await using attached = await attach(world, 1234, "--cbsize", "20000");
    await using _vnf = await startVnf(world, 1234);
    await ctl(1234, "start");
    await using _load = await startLoad(world, 1234, "20k"); // until it is enough, whatever is dropped
    const values = (await shows(1234, /;/)).trim().split(";").map(Number);
    expect(values).toHaveLength(20_000);
    expect(values.every((ns) => Number.isInteger(ns) && ns > 0)).toBe(true);
    await attached.end();
  });

  test("a loop in the manner of run_test.sh, with ctl and cat alone", async () => {
    await using attached = await attach(world, 1234, "--cbsize", "50");
    await using _vnf = await startVnf(world, 1234);
    const script = `
      set -e
      komon() { ${komonCommand.join(" ")} "$@" 2>/dev/null; }
      text=${PINS}/1234/vnfinfo_udp
      komon ctl --port 1234 stop
      komon ctl --port 1234 20
      ${komonCommand.join(" ")} load 127.0.0.1:1234 --pps 2000 --duration 60s >/dev/null 2>&1 &
      load=$!
      for interval in 1 2 3; do
        komon ctl --port 1234 start
        while grep -q ACTIVE $text; do :; done
        cat $text
        komon ctl --port 1234 reset_proc
      done
      kill $load; wait $load || true
      cat $text
    `;
    const said = await world.run(["sh", "-c", script]);
    const lines = said.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    for (const line of lines.slice(0, 3)) expect(line).toMatch(/^(\d+;){19}\d+$/);
    expect(lines[3]).toBe("WAITING. Activate first!");
    await attached.end();
  });

  test("a second attach says what is so, and harms nothing", async () => {
    await using attached = await attach(world, 1234, "--cbsize", "10");
    await ctl(1234, "start");
    expect(await world.komon("attach", "--port", "1234")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/port 1234 is attached already[\s\S]*ACTIVE, 0 of 10 packets/),
    });
    expect(await cat(1234)).toBe("ACTIVE. 0 Packets monitored.\n");
    await attached.end();
  });

  test("measuring survives cleanup, and the end of all komons", async () => {
    await using _attached = await attach(world, 1234, "--cbsize", "4");
    await using _vnf = await startVnf(world, 1234);
    await ctl(1234, "start");
    expect(await world.komon("cleanup")).toMatchObject({ code: 0 });
    await load(world, 1234, 4);
    await shows(1234, /^(\d+;){3}\d+\n$/);
    expect(await world.komon("cleanup", "--all")).toMatchObject({ code: 0 });
    expect(world.list(PINS)).toEqual([]);
  });

  test("killed while it attaches: cleanup or detach --all removes what is left", async () => {
    for (let attempt = 0; attempt < 12; attempt++) {
      const child = Bun.spawn(world.command([...komonCommand, "attach", "--port", "1234"]), {
        stdio: ["ignore", "ignore", "ignore"],
      });
      // Killed as soon as the folder is there, or a little later each time.
      while (child.exitCode === null && !world.list(PINS).includes("1234")) await Bun.sleep(1);
      await Bun.sleep(attempt * 3);
      child.kill("SIGKILL");
      await child.exited;
      expect(world.list(PINS)).toEqual(["1234"]);
      if (attempt % 2) {
        expect((await world.komon("cleanup")).code).toBe(0);
        const left = world.list(`${PINS}/1234`);
        expect(left.length === 0 || left.includes("vnfinfo_udp")).toBe(true); // whole, or nothing
      }
      expect((await world.komon("detach", "--all")).code).toBe(0);
      expect(world.list(PINS)).toEqual([]);
      expect(world.list("/run/komon")).toEqual([]);
    }
  });

  test("pins that are not whole, or of another version, are said; detach --all mends it", async () => {
    await using _whole = await attach(world, 1234);
    await world.run(["rm", `${PINS}/1234/vnfinfo_udp`]);
    expect(await ctl(1234, "status")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("not whole"),
    });
    expect((await world.komon("attach", "--port", "1234")).code).toBe(3);
    expect((await world.komon("detach", "--all")).code).toBe(0);

    await using _other = await attach(world, 1234);
    pretendVersion(world, 1234, '{"komon":"0.0.1","abi":"0123","at":"then"}');
    expect(await ctl(1234, "status")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/komon 0\.0\.1 made them[\s\S]*komon detach --all/),
    });
    expect((await world.komon("detach", "--all")).code).toBe(0);
    expect(world.list(PINS)).toEqual([]);
    await using _again = await attach(world, 1234);
    expect((await ctl(1234, "status")).code).toBe(0);
  });

  test("the BPF file system unmounted under it: said, and mended", async () => {
    await using _attached = await attach(world, 1234);
    await world.run(["umount", "/sys/fs/bpf"]);
    expect(await ctl(1234, "status")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no BPF file system is mounted"),
    });
    expect(await world.komon("detach", "--all")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("gone already"),
    });
    expect(world.list("/run/komon")).toEqual([]);
  });
});

/** Takes away what BPF file systems the world has inherited, so that it has none. */
async function hideBpffs(world: World): Promise<void> {
  while ((await bpfMounts(world)) > 0) {
    const { code, stderr } = await world.run(["umount", "/sys/fs/bpf"]);
    if (code !== 0) throw new Error(stderr);
  }
}

async function bpfMounts(world: World): Promise<number> {
  const { stdout } = await world.run(["cat", "/proc/self/mounts"]);
  return stdout.split("\n").filter((line) => line.split(" ")[2] === "bpf").length;
}

async function attach(world: World, port: number, ...words: string[]) {
  const said = await world.komon("attach", "--port", `${port}`, ...words);
  if (said.code !== 0) throw new Error(said.stderr);
  const end = (): Promise<Said> => world.komon("detach", "--port", `${port}`);
  return { end, [Symbol.asyncDispose]: async () => void (await end()) };
}

async function startVnf(world: World, port: number, ...words: string[]) {
  const child = Bun.spawn(
    world.command([
      ...komonCommand,
      "vnf",
      "--port",
      `${port}`,
      "--address",
      "127.0.0.1",
      ...words,
    ]),
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  await lineOf(child.stdout, /"ready"/);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Sends until the test ends. */
async function startLoad(world: World, port: number, pps: string) {
  const words = ["load", `127.0.0.1:${port}`, "--pps", pps, "--duration", "60s"];
  const child = Bun.spawn(world.command([...komonCommand, ...words]), {
    stdio: ["ignore", "ignore", "ignore"],
  });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function load(world: World, port: number, count: number, pps = "5k"): Promise<void> {
  const to = `127.0.0.1:${port}`;
  const said = await world.komon("load", to, "--count", `${count}`, "--pps", pps);
  if (said.code !== 0) throw new Error(said.stderr);
}

/** Writes to the map that says who made the pins, as another version would have. */
function pretendVersion(world: World, port: number, text: string): void {
  const bytes = Buffer.alloc(512);
  bytes.write(text);
  const path = `/proc/${world.pid}/root${PINS}/${port}/made_by`;
  const fd = libbpf().bpf_obj_get(cstring(path));
  if (fd < 0) throw new Error(`there is no pin ${path}`);
  expect(libbpf().bpf_map_update_elem(fd, new Uint8Array(4), bytes, 0n)).toBe(0);
  libc.close(fd);
}
