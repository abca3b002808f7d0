/** What komon attach leaves in the kernel, and every way in which it ends. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { release } from "node:os";
import { libbpf } from "../../src/kernel/libbpf.ts";
import { cstring, libc } from "../../src/kernel/libc.ts";
import { AttachHost, PINS } from "../support/attachHost.ts";
import { komonCommand } from "../support/komon.ts";
import { startVnf } from "../support/monitor.ts";
import type { World } from "../support/world.ts";

/** 1e9d74660d4d "bpf: Fix mount source show for bpffs" */
const [major = 0, minor = 0] = release().split(".").map(Number);
const saysWhoMounted = major > 5 || (major === 5 && minor >= 17);

let host: AttachHost;
beforeAll(async () => {
  host = await AttachHost.open();
});
afterAll(() => host[Symbol.asyncDispose]());

setDefaultTimeout(300_000); // each step is a process of its own, which takes a second in an emulated kernel

describe("komon attach and detach", () => {
  test("nothing is attached: each command says so", async () => {
    expect(await host.ctl(1234, "start")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /nothing is attached to port 1234[\s\S]*komon attach --port 1234/,
      ),
    });
    expect(await host.world.komon("detach", "--port", "1234")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing is attached to port 1234"),
    });
    expect(await host.world.komon("detach", "--all")).toMatchObject({
      code: 0,
      stderr: "nothing was attached\n",
    });
    expect((await host.world.komon("detach")).code).toBe(2);
  });

  test("mounts the BPF file system once, says so, and takes it away with the last pin", async () => {
    expect(await host.bpfMounts()).toBe(0);
    const first = await host.world.komon("attach", "--port", "1234", "--cbsize", "10");
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("mounted the BPF file system"),
    });
    const second = await host.world.komon("attach", "--port", "1235");
    expect(second.code).toBe(0);
    expect(second.stderr).not.toContain("mounted");
    expect(await host.bpfMounts()).toBe(1);
    expect((await host.world.komon("detach", "--port", "1235")).code).toBe(0);
    expect(await host.bpfMounts()).toBe(1);
    expect((await host.world.komon("detach", "--all")).code).toBe(0);
    expect(await host.bpfMounts()).toBe(saysWhoMounted ? 0 : 1);
    expect(host.world.list("/run/komon")).toEqual([]);
  });

  test("measuring survives cleanup, and the end of all komons", async () => {
    await using _attached = await host.attach(1234, "--cbsize", "4");
    await using _vnf = await startVnf(host.world, 1234);
    await host.ctl(1234, "start");
    expect(await host.world.komon("cleanup")).toMatchObject({ code: 0 });
    await host.load(1234, 4);
    await host.shows(1234, /^(\d+;){3}\d+\n$/);
    expect(await host.world.komon("cleanup", "--all")).toMatchObject({ code: 0 });
    expect(host.world.list(PINS)).toEqual([]);
  });

  test("killed while it attaches: cleanup or detach --all removes what is left", async () => {
    for (let attempt = 0; attempt < 12; attempt++) {
      const child = Bun.spawn(host.world.command([...komonCommand, "attach", "--port", "1234"]), {
        stdio: ["ignore", "ignore", "ignore"],
      });
      // Killed as soon as the folder is there, or a little later each time.
      while (child.exitCode === null && !host.world.list(PINS).includes("1234")) await Bun.sleep(1);
      await Bun.sleep(attempt * 3);
      child.kill("SIGKILL");
      await child.exited;
      expect(host.world.list(PINS)).toEqual(["1234"]);
      if (attempt % 2) {
        expect((await host.world.komon("cleanup")).code).toBe(0);
        const left = host.world.list(`${PINS}/1234`);
        expect(left.length === 0 || left.includes("vnfinfo_udp")).toBe(true); // whole, or nothing
      }
      expect((await host.world.komon("detach", "--all")).code).toBe(0);
      expect(host.world.list(PINS)).toEqual([]);
      expect(host.world.list("/run/komon")).toEqual([]);
    }
  });

  test("pins that are not whole, or of another version, are said; detach --all mends it", async () => {
    await using _whole = await host.attach(1234);
    await host.world.run(["rm", `${PINS}/1234/vnfinfo_udp`]);
    expect(await host.ctl(1234, "status")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("not whole"),
    });
    expect((await host.world.komon("attach", "--port", "1234")).code).toBe(3);
    expect((await host.world.komon("detach", "--all")).code).toBe(0);

    await using _other = await host.attach(1234);
    pretendVersion(host.world, 1234, '{"komon":"0.0.1","abi":"0123","at":"then"}');
    expect(await host.ctl(1234, "status")).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/komon 0\.0\.1 made them[\s\S]*komon detach --all/),
    });
    expect((await host.world.komon("detach", "--all")).code).toBe(0);
    expect(host.world.list(PINS)).toEqual([]);
    await using _again = await host.attach(1234);
    expect((await host.ctl(1234, "status")).code).toBe(0);
  });

  test("the BPF file system unmounted under it: said, and mended", async () => {
    await using _attached = await host.attach(1234);
    await host.world.run(["umount", "/sys/fs/bpf"]);
    expect(await host.ctl(1234, "status")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no BPF file system is mounted"),
    });
    expect(await host.world.komon("detach", "--all")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("gone already"),
    });
    expect(host.world.list("/run/komon")).toEqual([]);
  });
});

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
