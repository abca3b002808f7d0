/** Devices above and below the one that a forwarded packet comes in by, and packets that lie where another one lay. */
import { afterAll, describe, expect, test } from "bun:test";
import { KomonError } from "../../src/base/errors.ts";
import { select } from "../../src/monitor/select.ts";
import { ForwardProbe } from "../../src/probes/forward/probe.ts";
import { interfaceIndexIn } from "../../src/testbed/inside.ts";
import { Router, through4 } from "../support/router.ts";
import { frame4, numbered, tagged } from "../support/udpFrames.ts";
import { ends4 } from "../support/wire.ts";

const count = 23;
const router = await Router.open();
const { wire, netns, outIfindex } = router;
const { world } = wire;

afterAll(() => router[Symbol.asyncDispose]());

/** Sends packets through the router one by one; what is beyond has taken them in when this ends. */
async function pass(toMac: readonly number[]): Promise<void> {
  const before = await router.forwarded();
  for (let seq = 1; seq <= count; seq++) {
    const frame = frame4(through4, numbered(seq));
    frame.set(toMac);
    wire.send(frame);
  }
  while ((await router.forwarded()) < before + count) await Bun.sleep(1);
}

const macOf = async (device: string): Promise<number[]> => {
  const [{ address }] = JSON.parse(await world.ip("-j", "link", "show", device));
  return address.split(":").map((byte: string) => Number.parseInt(byte, 16));
};

describe("a packet that is forwarded", () => {
  test("is measured where the stack takes it up to a device above the one it came by", async () => {
    await world.ip(..."link add link vnf0 name above0 type macvlan mode vepa".split(" "));
    try {
      await world.sysctl("ipv4/conf/all/rp_filter", 0);
      await world.sysctl("ipv4/conf/above0/rp_filter", 0);
      await world.ip("link", "set", "above0", "up");
      using probe = ForwardProbe.open({ inIfindex: wire.ifindex, outIfindex, netns });
      await pass(await macOf("above0"));
      expect(probe.coverage()).toMatchObject({ seen: count, matched: count, inFlight: 0 });
      expect([...probe.programs()].map(([name, { id }]) => [name, id > 0])).toEqual([
        ["forward_tx", true],
        ["forward_drop", true],
        ["forward_nic", true],
      ]);
      expect(probe.coverage().recursionMisses).toBeGreaterThanOrEqual(0);
      const wishes = { ports: undefined, pid: undefined, cgroup: undefined, container: undefined };
      const refused = () =>
        select({ ...wishes, netns: wire.netns, inInterface: "above0", outInterface: undefined });
      expect(refused).toThrow(KomonError);
      expect(refused).toThrow(/above0[\s\S]*macvlan[\s\S]*below/);
    } finally {
      await world.ip("link", "delete", "above0");
    }
  });

  test("is one packet, though a bridge shows it a second time", async () => {
    await world.ip("link", "add", "name", "br0", "type", "bridge");
    try {
      await world.sysctl("ipv4/conf/br0/rp_filter", 0);
      await world.sysctl("ipv6/conf/br0/disable_ipv6", 1);
      await world.ip("link", "set", "br0", "type", "bridge", "mcast_snooping", "0");
      await world.ip("link", "set", "vnf0", "master", "br0");
      await world.ip("link", "set", "br0", "up");
      using probe = ForwardProbe.open({ outIfindex, netns });
      await pass(await macOf("br0"));
      // The far end of the way out lies in this namespace, too: there they come in once more, and are dropped.
      expect(probe.coverage()).toMatchObject({ seen: 2 * count, matched: count, dropped: count });
      using named = ForwardProbe.open({
        ...{ inIfindex: interfaceIndexIn(wire.netns, "br0"), outIfindex, netns },
      });
      await pass(await macOf("br0"));
      expect(named.coverage()).toMatchObject({ seen: count, matched: count, inFlight: 0 });
    } finally {
      await world.ip("link", "delete", "br0");
    }
  });

  test("is not taken for one that lay in the same memory before", async () => {
    using vnf = wire.vnf();
    using probe = ForwardProbe.open({ inIfindex: wire.ifindex, outIfindex, netns });
    const before = await router.forwarded();
    const rounds = 10 * count;
    for (let seq = 1; seq <= rounds; seq++) {
      wire.send(frame4(ends4, numbered(seq))); // for the host itself
      while (vnf.read() < 0) await Bun.sleep(1);
      wire.send(tagged(frame4(through4, numbered(seq)), 0)); // its tag hides it from nic
    }
    while ((await router.forwarded()) < before + rounds) await Bun.sleep(1);
    expect(probe.coverage()).toMatchObject({ seen: rounds, matched: 0, filtered: 0 });
  });
});
