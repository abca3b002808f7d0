/** The kernel is asked for its words by an attachment, of which nothing may stay. */
import { expect, test } from "bun:test";
import { device, xdpRefusal } from "../../src/kernel/device.ts";
import { attachXdp } from "../../src/kernel/hook.ts";
import { ActiveProbe } from "../../src/probes/active/probe.ts";
import { inNamespace } from "../../src/testbed/inside.ts";
import { Wire } from "../support/wire.ts";

const XDP_FLAGS_SKB_MODE = 2;

test("an XDP attachment that succeeds after all is taken back, and another one's stays", async () => {
  await using wire = await Wire.open();
  using probe = ActiveProbe.open({
    ...{ kind: "icmp", cookie: 1n, slots: 64, drop: true, hooks: "auto", bytes4: 64, bytes6: 64 },
  });
  const fd = probe.programFd("xdp");
  const ask = () => inNamespace(wire.netns, () => xdpRefusal(wire.ifindex, fd, XDP_FLAGS_SKB_MODE));
  const program = () => inNamespace(wire.netns, () => device(wire.ifindex)?.xdpProgram);
  expect(ask()).toBe("");
  expect(program()).toBe(0);
  using _other = inNamespace(wire.netns, () => {
    const to = device(wire.ifindex);
    if (!to) throw new Error("no device");
    return attachXdp(fd, to, "generic");
  });
  const there = program();
  expect(there).toBeGreaterThan(0);
  expect(ask()).toMatch(/active BPF XDP link|already/);
  expect(program()).toBe(there as number);
});
