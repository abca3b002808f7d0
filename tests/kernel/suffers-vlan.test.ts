/** A VLAN's device, where this kernel has such: UDP gets its packets from it, not from the one below. */
import { afterAll, describe, expect } from "bun:test";
import { monotonicNs } from "../../src/kernel/libc.ts";
import { interfaceIndexIn } from "../../src/testbed/inside.ts";
import { expectExact, expectIdentity } from "../support/exact.ts";
import { testUnless } from "../support/needs.ts";
import { frame4, numbered, tagged } from "../support/udpFrames.ts";
import { ends4, Wire } from "../support/wire.ts";

const id = 7;
const device = `vnf0.${id}`;
const wire = await Wire.open();
const lack = await plug();

async function plug(): Promise<string | undefined> {
  const add = `ip link add link vnf0 name ${device} type vlan id ${id}`;
  const { code, stderr } = await wire.world.run(add.split(" "));
  if (/Unknown device type/.test(stderr)) return "this kernel has no VLAN devices";
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  await wire.world.ip("link", "set", "dev", device, "up");
  return undefined;
}

afterAll(() => wire[Symbol.asyncDispose]());

describe("a VLAN's device", () => {
  testUnless(lack, "named, it is measured", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe({}, interfaceIndexIn(wire.netns, device));
    watched.sampleAll();
    const putNs: number[] = [];
    for (let seq = 1; seq <= 23; seq++) {
      putNs.push(monotonicNs());
      wire.send(tagged(frame4(ends4, numbered(seq)), id));
      while (vnf.mirror() === 0) await Bun.sleep(1);
    }
    const { coverage, records } = watched;
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, 23);
    expect(coverage).toMatchObject({ seen: 23, filtered: 0, no_nic: 23 });
  });

  testUnless(lack, "is another device than the one below it", async () => {
    using vnf = wire.vnf();
    using watched = wire.probe();
    wire.send(tagged(frame4(ends4, numbered(1)), id), frame4(ends4, numbered(2)));
    await watched.seen(2);
    expect(vnf.mirror()).toBe(2);
    expectIdentity(watched.coverage);
    expect(watched.coverage).toMatchObject({ seen: 2, matched: 1, filtered: 1 });
  });
});
