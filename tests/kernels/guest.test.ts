import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KomonError } from "../../src/base/errors.ts";
import { runInKernel } from "./run.ts";

/** What the matrix relies on, in a real guest. */
const series = "6.1";
const programs = {};

setDefaultTimeout(60_000);

test("output and errors come back apart and byte for byte, the exit code is the command's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "komon-guest-test-"));
  try {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * i);
    writeFileSync(join(directory, "bytes"), bytes);
    const run = await runInKernel({
      series,
      programs,
      directory,
      command: "cat bytes; echo talk >&2; exit 7",
    });
    expect(run.exit).toBe(7);
    expect(run.stdout.equals(bytes)).toBe(true);
    expect(run.stderr.toString()).toBe("talk\n");
    expect(run.release).toStartWith("6.1.");
    expect(run.bootMs).toBeGreaterThan(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the guest has what tests need: BTF, tracefs, bpffs, cgroup2, namespaces, the host's ip", async () => {
  const commands = [
    "test -s /sys/kernel/btf/vmlinux",
    "grep -qx udp_rcv /sys/kernel/tracing/available_filter_functions",
    "touch /sys/fs/cgroup/cgroup.procs",
    "mkdir /sys/fs/bpf/x",
    "ip netns add a",
    "ip link add v0 type veth peer name v1 netns a",
    "tc qdisc add dev v0 clsact",
    "ping -c 1 127.0.0.1 >&2",
    "ip -V",
  ];
  const run = await runInKernel({ series, programs, command: `set -e; ${commands.join("; ")}` });
  expect(run.stderr.toString()).toContain(" 0% packet loss");
  expect(run.stdout.toString()).toStartWith("ip utility, iproute2");
  expect(run.exit).toBe(0);
});

test("a panic is told with the console's last words", async () => {
  const crash = runInKernel({ series, programs, command: "echo c >/proc/sysrq-trigger; read x" });
  const error = await crash.then(() => undefined).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KomonError);
  expect((error as KomonError).why).toContain("Kernel panic - not syncing: sysrq triggered crash");
  expect((error as KomonError).why).toContain("Call Trace:");
});

test("a command that does not end is stopped, and nothing stays behind", async () => {
  const run = runInKernel({ series, programs, command: "sleep 1000", timeoutMs: 6_000 });
  await expect(run).rejects.toThrow("not done after 6 s");
  const own = `komon-vm-${process.pid}-`;
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(own))).toEqual([]);
});

test("a guest without the memory for its files says so", async () => {
  const big = { path: "t/big", data: new Uint8Array(300 << 20) };
  const run = runInKernel({ series, programs, command: "true", entries: [big], memoryMb: 512 });
  await expect(run).rejects.toThrow("give it more");
});

test("a series that no mirror has is refused", async () => {
  const run = runInKernel({ series: "4.19", command: "true" });
  await expect(run).rejects.toThrow("cannot find a kernel 4.19");
});
