import { expect, test } from "bun:test";
import { Trains } from "../../../src/probing/train.ts";

/** 1000-byte packets that leave each µs and come in each `gapNs`. */
function train(trains: Trains, n: number, gapNs: number, length = 5): void {
  for (let place = 0; place < length; place++) {
    trains.add(n * length + place + 1, 1e9 + place * 1000, 2e9 + place * gapNs);
  }
}

test("dispersion is a rate: 8,000 bits each 80 µs are 100 Mbit/s", () => {
  const trains = new Trains(5, 1000, 100);
  for (let n = 0; n < 10; n++) train(trains, n, 80_000);
  expect(trains.report()).toEqual({
    ...{ trains: 10, complete: 10, probes_per_train: 5, packet_bytes: 1000 },
    sent: { p10_bps: 8e9, p50_bps: 8e9, p90_bps: 8e9 },
    available: { p10_bps: 1e8, p50_bps: 1e8, p90_bps: 1e8 },
    capacity: { p10_bps: 1e8, p50_bps: 1e8, p90_bps: 1e8 },
    is_lower_bound: false,
  });
});

test("a run of any length keeps so many estimates, and no more", () => {
  const trains = new Trains(5, 1000, 100);
  for (let n = 0; n < 1000; n++) train(trains, n, 80_000 + (n % 10) * 1000);
  const report = trains.report();
  expect(report).toMatchObject({ trains: 1000, complete: 1000 });
  expect(Math.abs((report?.available.p50_bps ?? 0) / (8e9 / 84) - 1)).toBeLessThan(0.01);
});

test("a train that was not spread out gives a lower bound", () => {
  const trains = new Trains(5, 1000, 100);
  train(trains, 0, 1000);
  expect(trains.report()).toMatchObject({ is_lower_bound: true, available: { p50_bps: 8e9 } });
});

test("a train with a gap, or in another order, does not count", () => {
  const trains = new Trains(3, 1000, 100);
  for (const number of [1, 3, 4, 6, 5, 7, 8, 9]) trains.add(number, number * 1e3, number * 1e4);
  expect(trains.report()).toMatchObject({ trains: 3, complete: 1 });
  expect(new Trains(3, 1000, 100).report()).toBeUndefined();
});
