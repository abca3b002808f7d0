import { describe, expect, test } from "bun:test";
import { BackOff, type PaceWishes, paceOf } from "../../../src/probing/pace.ts";

const wishes = (changes: Partial<PaceWishes>): PaceWishes => ({
  ...{ hosts: 1, intervalNs: 1e9, gapNs: 0, flood: false },
  ...changes,
});

describe("the pace", () => {
  test("spreads the hosts over the interval", () => {
    expect(paceOf(wishes({ hosts: 10_000 }))).toEqual({ gapNs: 1e5 });
    expect(paceOf(wishes({ hosts: 100, intervalNs: 1e6 }))).toEqual({ gapNs: 1e4 });
  });

  test("is that of the strictest limit, which it names", () => {
    expect(paceOf(wishes({ gapNs: 2e9 }))).toEqual({ gapNs: 2e9, limitedBy: "--gap" });
    expect(paceOf(wishes({ hosts: 100, rate: 50 }))).toEqual({ gapNs: 2e7, limitedBy: "--rate" });
    expect(paceOf(wishes({ hosts: 4, hostRate: 0.5 }))).toEqual({
      ...{ gapNs: 5e8, limitedBy: "--host-rate" },
    });
    expect(paceOf(wishes({ rate: 50 }))).toEqual({ gapNs: 1e9 });
  });

  test("has ceilings, unless --flood lifts them", () => {
    expect(paceOf(wishes({ intervalNs: 1e3 }))).toMatchObject({ gapNs: 1e6 });
    expect(paceOf(wishes({ hosts: 1000, intervalNs: 1e6 }))).toMatchObject({ gapNs: 1e4 });
    expect(paceOf(wishes({ intervalNs: 1e3, flood: true }))).toEqual({ gapNs: 1e3 });
  });

  test("counts the probes of a train", () => {
    expect(paceOf(wishes({ intervalNs: 1e6, burst: 32 }))).toMatchObject({ gapNs: 32e6 });
  });
});

describe("backing off", () => {
  const feed = (backOff: BackOff, probes: number, lossShare: number) => {
    for (let n = 0; n < probes; n++) backOff.note((n * lossShare) % 1 >= 1 - lossShare);
  };

  test("begins when loss rises, ends when it has gone", () => {
    const backOff = new BackOff();
    feed(backOff, 2000, 0);
    expect(backOff.factor).toBe(1);
    feed(backOff, 600, 0.5);
    expect(backOff.factor).toBe(8);
    expect(backOff.times).toBe(3);
    feed(backOff, 4000, 0);
    expect(backOff.factor).toBe(1);
  });

  test("takes a little loss for the way's own", () => {
    const backOff = new BackOff();
    feed(backOff, 10_000, 0.05);
    expect(backOff.factor).toBe(1);
  });

  test("ends where slowing down does not help", () => {
    const backOff = new BackOff();
    feed(backOff, 20_000, 1);
    expect(backOff.factor).toBeLessThanOrEqual(64);
    expect(backOff.factor).toBeLessThan(64 + 1);
    expect(backOff.times).toBeLessThanOrEqual(6);
  });
});
