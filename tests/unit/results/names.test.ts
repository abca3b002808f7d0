import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Law } from "../../../src/model/laws.ts";
import type { RunParams } from "../../../src/model/run.ts";
import {
  microsecondsText,
  parseResultName,
  resultKinds,
  resultName,
  secondsText,
} from "../../../src/results/names.ts";

const params: RunParams = {
  intervals: 1000,
  packets: 10,
  sleepNs: 100_000_000,
  pps: 1000,
  sizeBytes: 128,
  delayNs: 50_000,
  law: 3,
  rep: 2,
};

describe("result names", () => {
  test("are KOMon's", () => {
    expect(resultName("VNF", params)).toBe("VNF_1000pps_128byte_0.1_50_1000_10_3_2.log");
    expect(resultName("RUN", params)).toBe("RUN_1000pps_128byte_0.1_50_1000_10_3_2.json");
  });

  test("read back what was written", () => {
    const any = fc.record({
      intervals: fc.integer({ min: 1, max: 1e9 }),
      packets: fc.integer({ min: 1, max: 1e9 }),
      sleepNs: fc.integer({ min: 0, max: 1e13 }),
      pps: fc.integer({ min: 1, max: 1e9 }),
      sizeBytes: fc.integer({ min: 0, max: 65_507 }),
      delayNs: fc.integer({ min: 0, max: 1e12 }),
      law: fc.constantFrom<Law>(0, 1, 2, 3, 4),
      rep: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(any, fc.constantFrom(...resultKinds), (params, kind) => {
        const parsed = parseResultName(resultName(kind, params));
        expect(parsed).toEqual({ kind, scheme: "komon", params });
      }),
    );
  });

  test("of the loads of 2019 and of 2018 are told apart by the number of fields", () => {
    expect(parseResultName("VNF_70000pps_128byte_0.1_0_100_10_1.log")).toMatchObject({
      scheme: "loads",
      params: { pps: 70_000, intervals: 100, packets: 10, law: 0, rep: 1 },
    });
    expect(parseResultName("KERNEL_1000pps_128byte_0.5_500_1000_1.log")).toMatchObject({
      scheme: "2018",
      params: {
        delayNs: 500_000,
        sleepNs: 500_000_000,
        intervals: 1000,
        packets: 1,
        law: 0,
        rep: 1,
      },
    });
  });

  test("of other files are none", () => {
    for (const name of [
      "VNF_1000pps_128byte_0.1_50_1000_10_7_2.log",
      "VNF_1000pps_128byte_0.1_50_1000.log",
      "OTHER_1000pps_128byte_0.1_50_1000_10_3_2.log",
      "VNF_1..0pps_128byte_0.1_50_1000_10_3_2.log",
      "xVNF_1000pps_128byte_0.1_50_1000_10_3_2.log",
      "VNF_1000pps_128byte_0.1_50_1000_10_3_2.log.gz",
      "README.md",
    ]) {
      expect(parseResultName(name)).toBeUndefined();
    }
  });
});

test("times are exact texts, never in exponent notation", () => {
  expect(secondsText(100_000_000)).toBe("0.1");
  expect(secondsText(1)).toBe("0.000000001");
  expect(secondsText(3_000_000_000)).toBe("3");
  expect(secondsText(0)).toBe("0");
  expect(microsecondsText(2500)).toBe("2.5");
  expect(microsecondsText(1e21)).toBe("1000000000000000000");
});
