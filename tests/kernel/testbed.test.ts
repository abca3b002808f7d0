import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { komonCommand } from "../support/komon.ts";
import { lineOf, World } from "../support/world.ts";

/** A prime number of packets: no multiple of it looks like another count. */
const PACKETS = 23;
const PORT = "9000";

interface Facts {
  readonly id: string;
  readonly gen_namespace: string;
  readonly sink_namespace: string;
  readonly in_device: { name: string; ifindex: number };
  readonly out_device: { name: string; ifindex: number };
  readonly ipv4: Record<"gen" | "host_in" | "host_out" | "target", string>;
  readonly ipv6: Record<"gen" | "host_in" | "host_out" | "target", string> | null;
}

const program = (name: string, ...words: string[]): string[] => [
  process.execPath,
  join(import.meta.dir, `programs/${name}.ts`),
  ...words,
];

/** Sends from the generator's namespace through a forwarder on the host. */
async function send(world: World, bed: Facts, family: "ipv4" | "ipv6", target: string) {
  const from = bed[family];
  if (!from) throw new Error(`testbed ${bed.id} has no ${family}`);
  const vnf = Bun.spawn(
    world.command(program("forward", from.host_in, PORT, String(PACKETS), target)),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await lineOf(vnf.stdout, /ready/);
  const load = Bun.spawn(
    world.command(
      program(target === "echo" ? "ask" : "send", from.host_in, PORT, String(PACKETS)),
      bed.gen_namespace,
    ),
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  expect([await load.exited, await vnf.exited]).toEqual([0, 0]);
}

async function counters(world: World, id: string) {
  type Rows = { rows: Record<string, number>[] };
  const { rows } = await world.komonJson<Rows>("testbed", "status", "--id", id);
  const { gen_tx, in_rx, out_tx, sink_rx, in_tx, gen_rx, sink_tx, out_rx } = rows[0];
  return { there: [gen_tx, in_rx, out_tx, sink_rx], back: [sink_tx, out_rx, in_tx, gen_rx] };
}

/** ICMP and ICMPv6 messages a namespace has made or got, and its UDP errors. */
async function complaints(world: World, namespace: string) {
  const command = world.command(["cat", "/proc/net/snmp", "/proc/net/snmp6"], namespace);
  const text = await new Response(Bun.spawn(command).stdout).text();
  const icmp = text.split("\n").filter((line) => /^Icmp: \d/.test(line));
  const sum = icmp[0]
    .split(" ")
    .slice(1)
    .reduce((total, field) => total + Number(field), 0);
  const of6 = /^Icmp6(?:In|Out)Msgs\s+(\d+)$/gm;
  return [...text.matchAll(of6)].reduce((total, [, count]) => total + Number(count), sum);
}

describe("a testbed", () => {
  test("counts every packet once at each of its four places, and nothing comes back", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Facts>("testbed", "up");
    let seen = 0;
    for (const family of ["ipv4", "ipv6"] as const) {
      await send(world, bed, family, bed[family]?.target ?? "");
      seen += PACKETS;
      const { there, back } = await counters(world, bed.id);
      expect({ family, there, back }).toEqual({
        family,
        there: [seen, seen, seen, seen],
        back: [0, 0, 0, 0],
      });
    }
    expect(await complaints(world, bed.sink_namespace)).toBe(0);
    expect(await complaints(world, bed.gen_namespace)).toBe(0);
  });

  test("lets a VNF send back to the generator", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Facts>("testbed", "up");
    await send(world, bed, "ipv4", "echo");
    await send(world, bed, "ipv6", "echo");
    const both = 2 * PACKETS;
    expect(await counters(world, bed.id)).toEqual({
      there: [both, both, 0, 0],
      back: [0, 0, both, both],
    });
  });

  test("sends nothing of its own for three seconds, on a router too", async () => {
    await using world = await World.open();
    await world.sysctl("ipv4/ip_forward", 1);
    await world.sysctl("ipv6/conf/all/forwarding", 1);
    const bed = await world.komonJson<Facts>("testbed", "up");
    await Bun.sleep(3000); // what is to be seen is that nothing happens in that time
    expect(await counters(world, bed.id)).toEqual({ there: [0, 0, 0, 0], back: [0, 0, 0, 0] });
  });

  const hosts: Record<string, Record<string, number>> = {
    "with strict reverse-path filters": {
      "ipv4/conf/all/rp_filter": 1,
      "ipv4/conf/default/rp_filter": 1,
    },
    "that is a router": { "ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1 },
    "that has IPv6 switched off": {
      "ipv6/conf/all/disable_ipv6": 1,
      "ipv6/conf/default/disable_ipv6": 1,
    },
    "that answers no ARP and ignores dead links": {
      "ipv4/conf/all/arp_ignore": 8,
      "ipv4/conf/default/ignore_routes_with_linkdown": 1,
      "ipv6/conf/default/ignore_routes_with_linkdown": 1,
    },
  };
  for (const [name, sysctls] of Object.entries(hosts)) {
    test(`passes packets on a host ${name}`, async () => {
      await using world = await World.open();
      for (const [sysctl, value] of Object.entries(sysctls)) await world.sysctl(sysctl, value);
      const bed = await world.komonJson<Facts>("testbed", "up");
      await send(world, bed, "ipv4", bed.ipv4.target);
      await send(world, bed, "ipv6", bed.ipv6?.target ?? "");
      const { there, back } = await counters(world, bed.id);
      expect({ there, back }).toEqual({
        there: Array(4).fill(2 * PACKETS),
        back: [0, 0, 0, 0],
      });
    });
  }

  test("does without IPv6 where that is switched off and locked, and says so", async () => {
    await using world = await World.open();
    await world.sysctl("ipv6/conf/default/disable_ipv6", 1);
    await world.run(["mount", "--bind", "/proc/sys", "/proc/sys"]);
    await world.run(["mount", "-o", "remount,bind,ro", "/proc/sys"]);
    expect((await world.komon("testbed", "up")).stdout).toContain("is up, IPv4 only,");
    const bed = await world.komonJson<Facts>("testbed", "up");
    expect(bed.ipv6).toBeNull();
    await send(world, bed, "ipv4", bed.ipv4.target);
    expect((await counters(world, bed.id)).there).toEqual(Array(4).fill(PACKETS));
  });

  test("is whole or not there when SIGINT comes while it is built", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const moments = [
      () => world.list("/run/komon").length > 0,
      () => world.list("/run/netns").length > 0,
      () => world.devices().length > 1,
    ];
    for (const [index, hasCome] of moments.entries()) {
      const child = Bun.spawn(world.command([...komonCommand, "testbed", "up"]), {
        stdio: ["ignore", "pipe", "ignore"],
      });
      while (!hasCome() && child.exitCode === null) await Bun.sleep(0);
      child.kill("SIGINT");
      const code = await child.exited;
      const isUp = (await child.stdout.text()).includes("is up");
      expect({ index, code, signal: child.signalCode }).toEqual({
        index,
        code: isUp ? 0 : 1,
        signal: null,
      });
      if (isUp) await world.komon("testbed", "down");
      expect({ index, traces: await world.traces() }).toEqual({ index, traces: before });
    }
  });

  test("takes the MTU it is given, on all four ends", async () => {
    await using world = await World.open();
    const bed = await world.komonJson<Facts>("testbed", "up", "--mtu", "9000");
    const mtus = await Promise.all([
      world.ip("link", "show", "dev", bed.in_device.name),
      world.ip("link", "show", "dev", bed.out_device.name),
      world.ip("-netns", bed.gen_namespace, "link", "show", "dev", "gen"),
      world.ip("-netns", bed.sink_namespace, "link", "show", "dev", "sink"),
    ]);
    expect(mtus.map((text) => /mtu (\d+)/.exec(text)?.[1])).toEqual(Array(4).fill("9000"));
  });

  test("is gone without a trace after down", async () => {
    await using world = await World.open();
    await world.ip("address", "add", "10.1.2.3/24", "dev", "lo");
    await world.komon("testbed", "status"); // makes nothing
    const before = await world.traces();
    await world.komonJson("testbed", "up");
    const during = await world.traces();
    const down = await world.komon("testbed", "down");
    expect(down).toMatchObject({ code: 0, stdout: expect.stringContaining("komon-gen-") });
    expect(await world.traces()).toEqual(before);
    const changed = Object.keys(before).filter(
      (key) =>
        !Bun.deepEquals(during[key as keyof typeof during], before[key as keyof typeof before]),
    );
    expect(changed).toEqual(Object.keys(before)); // else the comparison could not fail
  });

  test("comes up beside others that come up at the same time", async () => {
    await using world = await World.open();
    const before = await world.traces();
    const beds = await Promise.all(
      Array.from({ length: 6 }, () => world.komonJson<Facts>("testbed", "up")),
    );
    expect(new Set(beds.map(({ id }) => id)).size).toBe(6);
    expect(new Set(beds.map(({ ipv4 }) => ipv4.host_in)).size).toBe(6);
    const [first, second] = beds;
    await send(world, first, "ipv4", first.ipv4.target);
    expect((await counters(world, first.id)).there).toEqual(Array(4).fill(PACKETS));
    expect((await counters(world, second.id)).there).toEqual(Array(4).fill(0));
    await world.komon("testbed", "down", "--id", first.id);
    await send(world, second, "ipv6", second.ipv6?.target ?? "");
    await world.komon("testbed", "down");
    expect(await world.traces()).toEqual(before);
  });

  test("of which room is for two: the third is refused, and nothing of it stays", async () => {
    await using world = await World.open();
    const up = ["testbed", "up", "--range", "198.18.7.0/28"];
    await Promise.all([world.komonJson(...up), world.komonJson(...up)]);
    const before = await world.traces();
    const third = await world.komon(...up);
    expect(third).toMatchObject({ code: 3, stderr: expect.stringContaining("198.18.7.0/28") });
    expect(await world.traces()).toEqual(before);
  });

  test("keeps clear of addresses and routes of the host", async () => {
    await using world = await World.open();
    await world.ip("address", "add", "198.18.0.1/24", "dev", "lo");
    await world.ip("route", "add", "198.18.1.0/25", "dev", "lo", "table", "77");
    await world.ip("route", "add", "blackhole", "198.18.0.0/15"); // leads nowhere: not in the way
    await world.ip("route", "add", "0.0.0.0/1", "dev", "lo"); // a VPN's way to say "default"
    // 128 slots, of which all but the last 16 are taken.
    const range = ["testbed", "up", "--range", "198.18.0.0/22", "--id"];
    for (const id of ["0000", "001f", "0020", "002f"]) {
      expect({ id, ...(await world.komon(...range, id)) }).toMatchObject({ id, code: 3 });
    }
    expect(await world.komon(...range, "0030")).toMatchObject({ code: 0 });
    const taken = await world.komon("testbed", "up", "--range", "198.18.0.0/24");
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringContaining("--range") });
    expect(world.devices().sort()).toEqual(["kmn0030in", "kmn0030out", "lo"]);
  });

  test("leaves alone a namespace and a device that have the name it wants", async () => {
    await using world = await World.open();
    await world.ip("netns", "add", "komon-sink-0abc");
    await world.ip("link", "add", "kmn0abdout", "type", "veth", "peer", "name", "other");
    const before = await world.traces();
    for (const id of ["0abc", "0abd"]) {
      const said = await world.komon("testbed", "up", "--id", id);
      expect(said).toMatchObject({ code: 3, stderr: expect.stringContaining(id) });
      expect(await world.traces()).toEqual(before);
    }
    await world.komonJson("testbed", "up", "--id", "0abe");
    await world.komon("testbed", "down");
    expect(await world.traces()).toEqual(before);
  });

  test("goes with its process, also by process.exit()", async () => {
    await using world = await World.open();
    const before = await world.traces();
    for (const how of ["close", "exit"]) {
      const child = Bun.spawn(world.command(program("hold", how)), {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await lineOf(child.stdout, /genNamespace/);
      child.stdin.end();
      expect(await child.exited).toBe(0);
      expect({ how, ...(await world.traces()) }).toEqual({ how, ...before });
    }
  });

  test("that a running komon uses is not taken from it", async () => {
    await using world = await World.open();
    const child = Bun.spawn(world.command(program("hold")), { stdio: ["pipe", "pipe", "inherit"] });
    const { id } = JSON.parse(await lineOf(child.stdout, /genNamespace/)) as { id: string };
    const during = await world.traces();
    const down = await world.komon("testbed", "down", "--id", id);
    expect(down).toMatchObject({ code: 3, stderr: expect.stringContaining(`PID ${child.pid}`) });
    expect(await world.komon("testbed", "down")).toMatchObject({ code: 0 });
    expect(await world.komon("cleanup", "--all")).toMatchObject({ code: 0 });
    expect(await world.traces()).toEqual(during);
    child.stdin.end();
    await child.exited;
  });

  test("is refused with cause and mend where it cannot be", async () => {
    await using world = await World.open();
    const up = [...komonCommand, "testbed", "up"];
    const cases: Record<string, { command: string[]; says: RegExp }> = {
      "no capability": {
        command: ["setpriv", "--bounding-set=-net_admin", ...up],
        says: /lacks CAP_NET_ADMIN\n {2}mend: .*root/,
      },
      "no namespaces left": {
        command: [
          ...["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c"],
          ...['echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "sh", ...up],
        ],
        says: /limit on network namespaces.*\n {2}mend: .*max_net_namespaces/,
      },
      "no iproute2": {
        command: [
          ...["unshare", "--mount", "sh", "-c"],
          ...['mount --bind /dev/null "$(realpath "$(command -v ip)")" && exec "$@"', "sh", ...up],
        ],
        says: /cannot run "ip"[\s\S]*mend: install iproute2/,
      },
    };
    const before = await world.traces();
    for (const [name, { command, says }] of Object.entries(cases)) {
      const { code, stdout, stderr } = await world.run(command);
      expect({ name, code, stdout }).toEqual({ name, code: 3, stdout: "" });
      expect(stderr).toMatch(says);
    }
    expect(await world.traces()).toEqual(before);
  });
});
