/** What goes away while komon probes, and who else probes at the same time. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { far, Pair } from "../support/pair.ts";

setDefaultTimeout(120_000); // emulated kernels are slow
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open();
});
afterAll(() => pair[Symbol.asyncDispose]());

test("an interface that goes down is told, and probing goes on when it is up again", async () => {
  await using probing = pair.spawn(far.v4, "-p", "20ms", "-t", "50ms");
  await probing.says(/icmp_seq=2 ttl/);
  await pair.world.ip("link", "set", "near", "down");
  await probing.says(/not sent: .*\((ENETUNREACH|ENETDOWN)\)/);
  const before = probing.stdout.length;
  await pair.world.ip("link", "set", "near", "up");
  while (!/ ttl=64 /.test(probing.stdout.slice(before))) await probing.saysMore();
  probing.kill("SIGINT");
  expect(await probing.exited).toBe(0);
  expect(probing.stdout).toMatch(/\d+ × not sent: /);
  expect(probing.stdout).toMatch(/longest outage/);
  expect(probing.stderr).toBe("");
});

test("a namespace whose name is removed is probed from to the end", async () => {
  await pair.world.ip("netns", "add", "gone");
  await pair.world.ip(..."link add inner type veth peer name outer netns gone".split(" "));
  await pair.world.ip(..."addr add 10.91.0.1/24 dev inner".split(" "));
  await pair.world.ip("link", "set", "inner", "up");
  await pair.world.ip(..."-n gone addr add 10.91.0.2/24 dev outer".split(" "));
  await pair.world.ip(..."-n gone link set outer up".split(" "));
  await using probing = pair.spawn("10.91.0.1", "--netns", "gone", "-p", "20ms");
  await probing.says(/icmp_seq=2 ttl/);
  await pair.world.ip("netns", "del", "gone");
  const before = probing.stdout.length;
  while (!/ ttl=64 /.test(probing.stdout.slice(before))) await probing.saysMore();
  probing.kill("SIGINT");
  expect(await probing.exited).toBe(0);
  expect(probing.stdout).toMatch(/(\d+) sent, \1 received, 0 % loss/);
});

test("two runs to the same host at once: the other's answers are foreign, and untouched", async () => {
  await using other = pair.spawn(far.v4, "-p", "1ms", "-s");
  await other.says(/icmp_seq=2 ttl/);
  const { report } = await pair.probeJson(far.v4, "-c", "23", "-p", "5ms");
  expect(report.hosts[0]).toMatchObject({ sent: 23, received: 23, duplicates: 0, late: 0 });
  expect(report.counters).toMatchObject({ matched: 23, dropped: 23, forged: 0, stale: 0 });
  other.kill("SIGINT");
  expect(await other.exited).toBe(0);
  expect(other.stdout).toMatch(/(\d+) sent, \1 received, 0 % loss/);
});

test("an address of the family that is not wanted, or not there, is told", async () => {
  const unwanted = await pair.probe("--ipv6", far.v4, "-c", "1");
  expect(unwanted.code).toBe(2);
  expect(unwanted.stderr).toContain("it is an IPv4 address, and only IPv6 is wanted");
  const off = (value: number) =>
    pair.run("sysctl", "-qw", `net.ipv6.conf.all.disable_ipv6=${value}`);
  await off(1);
  try {
    const { said, report } = await pair.probeJson("fd78::2", far.v4, "-c", "3", "-p", "5ms");
    expect(said.code).toBe(1);
    expect(said.stderr).toMatch(/fd78::2: no route: E\w+/);
    expect(report.hosts.map(({ target, received }) => [target, received])).toEqual([
      [far.v4, 3],
      ["fd78::2", 0],
    ]);
  } finally {
    await off(0);
  }
});

test("Ctrl-C ends many hosts at once with their table; the code says that one did not answer", async () => {
  await using probing = pair.spawn(far.v4, "10.77.0.99", "-p", "50ms", "-t", "60ms", "-Q", "0.1");
  await probing.says(/10\.77\.0\.99 .*100\.0 %/);
  probing.kill("SIGINT");
  expect(await probing.exited).toBe(1);
  expect(probing.stdout.match(/^host .*recv/gm)?.length).toBeGreaterThan(1);
});
