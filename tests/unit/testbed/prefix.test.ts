import { describe, expect, test } from "bun:test";
import { BlockList } from "node:net";
import fc from "fast-check";
import {
  addressIn,
  formatPrefix,
  overlap,
  type Prefix,
  parsePrefix,
  subnet,
} from "../../../src/testbed/prefix.ts";

const prefix4 = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 0, max: 32 }))
  .map(([first, length]): Prefix => ({ family: 4, first: cut(first, 32 - length), length }));
const prefix6 = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), fc.integer({ min: 0, max: 128 }))
  .map(([first, length]): Prefix => ({ family: 6, first: cut(first, 128 - length), length }));

function cut(value: bigint, bits: number): bigint {
  return (value >> BigInt(bits)) << BigInt(bits);
}

describe("a prefix", () => {
  test("reads what it writes", () => {
    fc.assert(
      fc.property(fc.oneof(prefix4, prefix6), (prefix) => {
        expect(parsePrefix(formatPrefix(prefix))).toEqual(prefix);
      }),
    );
  });

  test.each([
    ["198.18.7.9/15", "198.18.0.0/15"],
    ["10.0.0.1", "10.0.0.1/32"],
    ["fd6b:6f6d:6f6e::1/48", "fd6b:6f6d:6f6e::/48"],
    ["::/0", "::/0"],
    ["::1", "::1/128"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128"], // RFC 5952, 4.2.3
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128"], // RFC 5952, 4.2.2
    ["1::", "1::/128"],
    ["::ffff:192.0.2.1/128", "::ffff:c000:201/128"],
  ])("%s is %s", (text, shown) => {
    expect(formatPrefix(parsePrefix(text))).toBe(shown);
  });

  test.each([
    "",
    "198.18.0.0/33",
    "fd00::/129",
    "198.18",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "eth0",
    "/8",
  ])("%p is none", (text) => {
    expect(() => parsePrefix(text)).toThrow("is not an address range");
  });

  test("overlaps another as the platform's own block list has it", () => {
    const near = fc
      .tuple(prefix4, prefix4, fc.integer({ min: 0, max: 32 }))
      .map(([a, b, share]) => {
        // Give the two their first `share` bits in common, else they hardly ever meet.
        const low = 2n ** BigInt(32 - share) - 1n;
        const first = cut((a.first & ~low) | (b.first & low), 32 - b.length);
        return [a, { ...b, first }] as const;
      });
    fc.assert(
      fc.property(near, ([a, b]) => {
        const [wide, narrow] = a.length <= b.length ? [a, b] : [b, a];
        const list = new BlockList();
        list.addSubnet(addressIn(wide, 0), wide.length);
        expect(overlap(a, b)).toBe(list.check(addressIn(narrow, 0)));
        expect(overlap(b, a)).toBe(overlap(a, b));
      }),
    );
  });

  test("of one family never overlaps one of the other", () => {
    expect(overlap(parsePrefix("0.0.0.0/0"), parsePrefix("::/0"))).toBe(false);
  });

  test("is divided into subnets", () => {
    const range = parsePrefix("198.18.0.0/15");
    expect(formatPrefix(subnet(range, 30, 0))).toBe("198.18.0.0/30");
    expect(formatPrefix(subnet(range, 30, 32767))).toBe("198.19.255.252/30");
    expect(addressIn(subnet(range, 30, 3), 2)).toBe("198.18.0.14");
    expect(formatPrefix(subnet(parsePrefix("fd00::/48"), 64, 65535))).toBe("fd00:0:0:ffff::/64");
  });
});
