/** What komon says where something it needs is missing: the host's own parts, taken away in a private namespace. */
import { expect, test } from "bun:test";
import { existsSync, realpathSync } from "node:fs";
import { komonCommand, run, type Said } from "../support/komon.ts";
import { World } from "../support/world.ts";

const komon = komonCommand.join(" ");
const main = "run 1 5 0 1000 64 0 --out /tmp/komon-missing/out";

/** Runs a shell line in a world of its own, whose mounts nobody else sees. */
async function without(spoil: string, line: string): Promise<Said> {
  await using world = await World.open();
  return await world.run(["sh", "-c", `${spoil} && ${line}`]);
}

test("without libbpf the error names the package, and nothing in the working folder is loaded", async () => {
  const library = realpathSync("/usr/lib/x86_64-linux-gnu/libbpf.so.1");
  const spoil = `mount --bind /dev/null ${library} && cp ${realpathSync("/usr/lib/x86_64-linux-gnu/libz.so.1")} /tmp/libbpf.so.1 && cd /tmp`;
  const said = await without(spoil, `${komon} doctor`);
  expect(said.code).toBe(3);
  expect(said.stdout).toContain("apt install libbpf1");
});

test("without a cgroup2 mount the main job runs, and mounts nothing that stays", async () => {
  const spoil = "for m in $(grep cgroup2 /proc/self/mounts | cut -d' ' -f2); do umount $m; done";
  const said = await without(spoil, `${komon} ${main} && ! grep cgroup2 /proc/self/mounts`);
  expect(said.stderr).toBe("");
  expect(said.code).toBe(0);
  expect(said.stdout).toContain("cgroup_skb/ingress");
});

test("without BTF both the run and the doctor say so", async () => {
  const said = await without("mount -t tmpfs none /sys/kernel/btf", `${komon} ${main}`);
  expect(said.code).toBe(3);
  expect(said.stderr).toContain("BTF");
  expect(said.stderr).toContain("--btf");
  const doctor = await without("mount -t tmpfs none /sys/kernel/btf", `${komon} doctor`);
  expect(doctor.code).toBe(3);
  expect(doctor.stdout).toContain("--btf FILE");
});

const security = "mount -t tmpfs none /sys/kernel/security";
const locked = "echo 'none integrity [confidentiality]' > /sys/kernel/security/lockdown";
const unmount =
  "for m in $(grep -E 'cgroup2|/bpf|securityfs' /proc/self/mounts | cut -d' ' -f2); do umount $m; done";

test.each([
  ["BTF", "mount -t tmpfs none /sys/kernel/btf", ["kernel BTF", "points"]],
  ["mounts", unmount, ["bpffs", "cgroup2", "lockdown"]],
  ["its freedom", `${security} && ${locked}`, ["lockdown"]],
  ["loopback", "ip link set lo down", ["self-test"]],
  ["a second CPU", "taskset -p 1 $$ > /dev/null", ["CPUs"]],
  ["rights", "set -- setpriv --bounding-set=-all --inh-caps=-all", ["CAP_BPF", "testbed"]],
])("without %s each of the doctor's problems has its mend", async (_, spoil, lacking) => {
  const said = await without(spoil, `"$@" ${komon} doctor --format json`);
  const { checks } = JSON.parse(said.stdout) as { checks: Record<string, string>[] };
  const problems = checks.filter(({ answer }) => answer !== "yes");
  expect(problems.map(({ check }) => check)).toEqual(expect.arrayContaining(lacking));
  for (const { check, mend } of problems) {
    expect({ check, mend }).toEqual({
      check,
      mend: expect.stringMatching(/^(?!.*komon doctor).+/),
    });
  }
});

test("without capabilities the error names them", async () => {
  const bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", ...komonCommand];
  const said = await run([...bare, ...main.split(" ")]);
  expect(said.code).toBe(3);
  expect(said.stderr).toContain("CAP_NET_ADMIN");
  expect(existsSync("/tmp/komon-missing")).toBe(false);
  const doctor = await run([...bare, "doctor", "--format", "json"]);
  expect(doctor.code).toBe(3);
  const { able, checks } = JSON.parse(doctor.stdout);
  expect(able).toBe(false);
  const answer = (check: string) => checks.find((c: { check: string }) => c.check === check).answer;
  expect(answer("CAP_BPF")).toBe("no");
  expect(answer("points")).toBe("no");
});

test("a port that is taken is told, and nothing is left behind", async () => {
  await using world = await World.open();
  const before = await world.traces();
  const other = world.spawn("vnf", "--port", "1234");
  await other.stdout.getReader().read();
  const said = await world.komon(...main.split(" "));
  expect(said.code).not.toBe(0);
  expect(said.stderr).toContain("1234");
  expect(said.stderr).toContain("EADDRINUSE");
  other.kill("SIGINT");
  await other.exited;
  expect(await world.traces()).toEqual(before);
});

test("the doctor answers for every point and every need", async () => {
  const said = await run([...komonCommand, "doctor", "--format", "json"]);
  expect(said.code).toBe(0);
  const { schema, able, checks } = JSON.parse(said.stdout);
  expect(schema).toBe("komon.doctor/1");
  expect(able).toBe(true);
  const names = checks.map((c: { check: string }) => c.check);
  for (const point of ["nic", "rx", "read", "send", "tx"])
    expect(names).toContain(`point ${point}`);
  for (const need of [
    "libbpf",
    "kernel BTF",
    "CAP_BPF",
    "CAP_PERFMON",
    "lockdown",
    "cgroup2",
    "bpffs",
  ]) {
    expect(names).toContain(need);
  }
});
