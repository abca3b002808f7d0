import { describe, expect, test } from "bun:test";
import { addressText } from "../../../src/probing/errorQueue.ts";
import { parseHostList } from "../../../src/probing/hosts.ts";
import { icmpMeaning } from "../../../src/probing/meanings.ts";
import { keptOf, Samples } from "../../../src/probing/samples.ts";
import {
  fold,
  headOffset,
  leastPayloadBytes,
  packetBytes,
  sumOf,
  swap32,
  template,
  type WireOptions,
} from "../../../src/probing/wire.ts";
import { summary } from "../../../src/stats/summary.ts";

const wire = (changes: Partial<WireOptions> = {}): WireOptions => ({
  ...{ kind: "icmp", cookie: 0x1122334455667788n, payloadBytes: 56, identifier: 0x1234 },
  ...{ remotePort: 862, isnBase: 0, reflected: false },
  ...changes,
});

describe("a probe's bytes", () => {
  test("ICMP: type, identifier, cookie in the payload", () => {
    const v4 = template(wire(), 2);
    expect(Buffer.from(v4.subarray(0, 16)).toString("hex")).toBe(
      "08000000123400008877665544332211",
    );
    expect(v4.length).toBe(64);
    expect(template(wire(), 10)[0]).toBe(128);
  });

  test("lengths count from the IP header", () => {
    expect(packetBytes(wire(), 2)).toBe(84);
    expect(packetBytes(wire(), 10)).toBe(104);
    expect(packetBytes(wire({ kind: "udp" }), 2)).toBe(84);
    expect(packetBytes(wire({ kind: "tcp" }), 2)).toBe(44);
  });

  test("STAMP comes first in UDP, and our head in an extra-padding TLV behind it", () => {
    const reflected = wire({ kind: "udp", reflected: true, payloadBytes: 64 });
    expect(headOffset(reflected)).toBe(48);
    expect(leastPayloadBytes(reflected)).toBe(64);
    const bytes = template(reflected, 2);
    expect(Buffer.from(bytes.subarray(44, 48)).toString("hex")).toBe("00010010");
    expect(Buffer.from(bytes.subarray(48, 56)).toString("hex")).toBe("8877665544332211");
    expect(Buffer.from(bytes.subarray(12, 14)).toString("hex")).toBe("4001");
  });

  test("the sum is RFC 1071's: its example, and odd lengths", () => {
    const example = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(sumOf(example)).toBe(0xf2dd); // ddf2 in network order
    expect(sumOf(Uint8Array.of(1, 2, 3))).toBe(0x0204);
    expect(fold(0x1ffff)).toBe(1);
    expect(swap32(0x01020304)).toBe(0x04030201);
  });
});

test("addresses read as people write them", () => {
  const v6 = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
  expect(addressText(Uint8Array.of(10, 0, 0, 2))).toBe("10.0.0.2");
  expect(addressText(v6("fd770000000000000000000000000002"))).toBe("fd77::2");
  expect(addressText(v6("00000000000000000000000000000001"))).toBe("::1");
  expect(addressText(v6("00000000000000000000000000000000"))).toBe("::");
  expect(addressText(v6("20010db8000000010000000000000000"))).toBe("2001:db8:0:1::");
  expect(addressText(v6("20010db8000100020003000400050006"))).toBe("2001:db8:1:2:3:4:5:6");
});

test("lists of hosts: comments, blank lines and more words are left out", () => {
  expect(parseHostList("# all\n10.0.0.1\r\n\n  ::1 here  # and there\n")).toEqual([
    "10.0.0.1",
    "::1",
  ]);
});

test("ICMP errors have words, unknown ones numbers", () => {
  expect(icmpMeaning(4, 3, 3)).toBe("port unreachable");
  expect(icmpMeaning(4, 11, 0)).toBe("time to live exceeded on the way");
  expect(icmpMeaning(6, 1, 4)).toBe("port unreachable");
  expect(icmpMeaning(4, 3, 99)).toBe("ICMP type 3 code 99");
  expect(icmpMeaning(6, 100, 1)).toBe("ICMPv6 type 100 code 1");
});

describe("samples", () => {
  test("of each host are kept up to a limit that does not grow", () => {
    expect([1, 2, 110, 111, 10_000].map(keptOf)).toEqual([65_536, 32_768, 595, 592, 592]);
    const samples = new Samples(keptOf(1));
    for (let n = 0; n < keptOf(1); n++) samples.add(n % 2 === 0 ? 1 : 800_001);
    expect(samples.quantile(0.9)).toBe(800_001);
    samples.add(2_000_003);
    expect(samples.quantile(0.9)).not.toBe(800_001); // a place in a bucket, from now on
    expect(samples.summary()).toMatchObject({ count: 65_537, min_ns: 1, max_ns: 2_000_003 });
  });

  test("are as near where a clock is off, and where they sink below the first ones", () => {
    const hourNs = 3600e9;
    for (const of of [
      (n: number) => -hourNs + ((n * 7919) % 10_000),
      (n: number) => hourNs + ((n * 7919) % 10_000),
      (n: number) => -3 * n,
    ]) {
      const values = Array.from({ length: 10_000 }, (_, n) => of(n));
      const samples = new Samples(64);
      for (const value of values) samples.add(value);
      const near = samples.summary();
      const exact = summary(values);
      expect(near).toMatchObject({ count: 10_000, min_ns: exact.min_ns, max_ns: exact.max_ns });
      const span = exact.max_ns - exact.min_ns;
      for (const key of ["p50_ns", "p90_ns", "p99_ns"] as const) {
        expect(Math.abs(near[key] - exact[key])).toBeLessThan(0.0625 * span);
      }
      for (let last = 0, q = 0; q <= 1; q += 0.01) {
        expect(samples.quantile(q)).toBeGreaterThanOrEqual(q === 0 ? exact.min_ns : last);
        last = samples.quantile(q);
      }
    }
  });

  test("are exact up to their limit, and near beyond it", () => {
    const values = Array.from({ length: 1000 }, (_, n) => 10_000 + ((n * 7919) % 1000));
    const exact = new Samples(1000);
    const beyond = new Samples(64);
    for (const value of values) {
      exact.add(value);
      beyond.add(value);
    }
    expect(exact.summary()).toEqual(summary(values));
    const near = beyond.summary();
    const { mean_ns, sd_ns, min_ns, max_ns, p50_ns } = summary(values);
    expect(near).toMatchObject({ count: 1000, min_ns, max_ns });
    expect(near.mean_ns).toBeCloseTo(mean_ns, 6);
    expect(near.sd_ns).toBeCloseTo(sd_ns, 6);
    expect(Math.abs(near.p50_ns / p50_ns - 1)).toBeLessThan(0.04);
  });
});
