import { describe, expect, test } from "bun:test";
import { type CalibrationPoint, offsetAt } from "../../../src/run/calibration.ts";

const point = (pps: number, delay_ns: number, offset_ns: number): CalibrationPoint => ({
  ...{ pps, delay_ns, offset_ns },
  uncertainty_ns: offset_ns / 10,
  pairs: 100,
});

const points = [
  ...[point(1000, 0, 800), point(1000, 10_000, 1000), point(1000, 20_000, 600)],
  ...[point(20_000, 0, 300), point(20_000, 10_000, 400)],
];

describe("the offset of a calibration", () => {
  test("at a point is the point's", () => {
    expect(offsetAt(points, 1000, 10_000).offset_ns).toBe(1000);
    expect(offsetAt(points, 20_000, 0).offset_ns).toBe(300);
  });

  test("between two service times lies on the line between them, as uncertain as the worse", () => {
    const between = offsetAt(points, 1000, 15_000);
    expect(between).toEqual({ offset_ns: 800, uncertainty_ns: 100 });
  });

  test("beyond the last service time stays the last one's", () => {
    expect(offsetAt(points, 1000, 100_000).offset_ns).toBe(600);
  });

  test("is that of the load nearest by ratio", () => {
    expect(offsetAt(points, 4000, 0).offset_ns).toBe(800);
    expect(offsetAt(points, 5000, 0).offset_ns).toBe(300);
  });
});
