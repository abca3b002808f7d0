import { describe, expect, test } from "bun:test";
import { packetsOf } from "../../../src/testbed/counters.ts";
import { BENCHMARK_RANGE, layOut, SLOTS, subnetsOf } from "../../../src/testbed/layout.ts";
import { formatPrefix, overlap, parsePrefix } from "../../../src/testbed/prefix.ts";
import { parseTaken, roomIn } from "../../../src/testbed/slots.ts";
import { describeRemoved } from "../../../src/testbed/stale.ts";

const range = parsePrefix(BENCHMARK_RANGE);

describe("a testbed's layout", () => {
  test("fits the kernel's 15 characters for a device, and its own range", () => {
    for (const slot of [0, 1, 0x2abc, SLOTS - 1]) {
      const layout = layOut({ slot, mtuBytes: 1500, range, ipv6: true, ipv6Devices: true });
      expect(layout.id).toMatch(/^[0-3][0-9a-f]{3}$/);
      expect(layout.inDevice.length).toBeLessThanOrEqual(15);
      expect(layout.outDevice.length).toBeLessThanOrEqual(15);
      for (const subnet of [layout.ipv4.genSubnet, layout.ipv4.sinkSubnet]) {
        expect(overlap(subnet, range)).toBe(true);
      }
    }
  });

  test("shares no address with another", () => {
    const all = [0, 1, 2, 1000, SLOTS - 1].flatMap((slot) => Object.values(subnetsOf(slot, range)));
    for (const [index, one] of all.entries()) {
      expect(all.slice(index + 1).filter((other) => overlap(one, other))).toEqual([]);
    }
  });

  test("has MAC addresses that are unicast and locally administered", () => {
    const { macs } = layOut({ slot: 7, mtuBytes: 1500, range, ipv6: false, ipv6Devices: false });
    expect(new Set(Object.values(macs)).size).toBe(4);
    for (const mac of Object.values(macs)) expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  });
});

describe("room for testbeds", () => {
  test("is counted by eight addresses, up to all ids", () => {
    expect(roomIn(parsePrefix("198.18.0.0/29"))).toBe(1);
    expect(roomIn(parsePrefix("198.18.0.0/15"))).toBe(SLOTS);
    expect(roomIn(parsePrefix("10.0.0.0/8"))).toBe(SLOTS);
    expect(() => roomIn(parsePrefix("198.18.0.0/30"))).toThrow("no room");
    expect(() => roomIn(parsePrefix("fd00::/8"))).toThrow("no room");
  });

  test("is taken by addresses and routes, not by default routes and those to nowhere", () => {
    const answer = [
      '[{"dst":"198.18.0.0/24","dev":"eth1"},{"type":"broadcast","dst":"198.18.0.255"}]',
      '[{"dst":"default"},{"type":"blackhole","dst":"198.18.0.0/15"},{"dst":"128.0.0.0/1"}]',
      '[{"ifindex":1,"addr_info":[{"family":"inet","local":"198.18.9.1","prefixlen":24}]},{}]',
      '[{"dst":"fd6b:6f6d:6f6e:2::/64"}]',
      "",
    ].join("\n");
    expect(parseTaken(answer).map(formatPrefix)).toEqual([
      "198.18.0.0/24",
      "198.18.0.255/32",
      "198.18.9.0/24",
      "fd6b:6f6d:6f6e:2::/64",
    ]);
  });
});

test("packets are read from /proc/net/dev, of the device with just that name", () => {
  const text = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs",
    "xkmn1in:     1       2    0    0    0     0          0         0        3       4    0",
    " kmn1in:13894967  23    0    0    0     0          0         0      654      29    0    0",
  ].join("\n");
  expect(packetsOf(text, "kmn1in")).toEqual({ rx: 23, tx: 29 });
  expect(() => packetsOf(text, "kmn1")).toThrow("kmn1");
});

test("what was removed is told in one line for each owner", () => {
  const owner = { pid: 123, command: "komon run" };
  const base = { owner, of: "testbed", kind: "namespace" };
  expect(
    describeRemoved([
      { ...base, resource: "namespace a" },
      { ...base, resource: "namespace b" },
      { ...base, resource: "namespace c", kept: "EPERM" },
      { of: "unknown", kind: "device", resource: "device d" },
    ]),
  ).toEqual([
    "removed what komon PID 123 left behind: namespace a, namespace b",
    "could not remove what komon PID 123 left behind: namespace c: EPERM",
    "removed what a komon left behind: device d",
  ]);
});
