/** What a testbed carries, on hosts of many kinds. */
import { describe, expect, test } from "bun:test";
import { counters, type Facts, PACKETS, send } from "../support/testbed.ts";
import { World } from "../support/world.ts";

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
});
