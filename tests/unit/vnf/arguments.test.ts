import { describe, expect, test } from "bun:test";
import { readVnfFlags } from "../../../src/commands/vnf.ts";
import { delayOf, intervalText, lawOf, numberList } from "../../../vnf/arguments.ts";

describe("arguments of the VNF", () => {
  test("a delay has a unit, and a bare number is µs as in KOMon", () => {
    expect(delayOf("100")).toBe(100_000);
    expect(delayOf("0")).toBe(0);
    expect(delayOf("0.5")).toBe(500);
    expect(delayOf("250ns")).toBe(250);
    expect(delayOf("1.5ms")).toBe(1_500_000);
    expect(() => delayOf("-3")).toThrow();
    expect(() => delayOf("2h")).toThrow("at most");
    expect(() => delayOf("soon")).toThrow("not a duration");
  });

  test("what is wrong with a value is said with its flag", () => {
    for (const [flag, value] of [
      ["--delay", "-1"],
      ["--law", "zipf"],
    ]) {
      expect(() => readVnfFlags([`${flag}=${value}`])).toThrow(new RegExp(`^${flag}: .*${value}`));
    }
  });

  test("a law has a number and names", () => {
    expect(["0", "1", "2", "3", "4"].map(lawOf)).toEqual([0, 1, 2, 3, 4]);
    expect(["constant", "negexp", "uniform", "norm1", "norm0.2"].map(lawOf)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(lawOf("exponential")).toBe(1);
    expect(() => lawOf("5")).toThrow('there is no law "5"');
    expect(() => lawOf("exponental")).toThrow("did you mean exponential?");
  });

  test("a list of CPUs", () => {
    expect(numberList(undefined, "--cpu")).toEqual([]);
    expect(numberList("3", "--cpu")).toEqual([3]);
    expect(numberList("0, 1,0", "--cpu")).toEqual([0, 1, 0]);
    for (const wrong of ["", "1,", "a", "-1", "1-3"]) {
      expect(() => numberList(wrong, "--cpu")).toThrow("--cpu 0,1");
    }
  });

  test("the interval column holds seconds, as the parameter files do", () => {
    expect(intervalText("0.1")).toBe("0.1");
    expect(intervalText("100ms")).toBe("0.1");
    expect(intervalText("2s")).toBe("2");
    expect(() => intervalText("often")).toThrow();
  });
});
