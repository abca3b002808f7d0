import { KomonError } from "../base/errors.ts";
import type { RunResult } from "../model/result.ts";
import { spanErrors } from "../results/truthError.ts";
import { batchMedianInterval } from "../stats/batch.ts";
import { type Calibration, type CalibrationPoint, keepCalibration } from "./calibration.ts";
import { measure } from "./measure.ts";
import type { RunOptions } from "./options.ts";

/** The loads and service times at which the offset is taken: it shrinks as caches warm. */
const loads = [1000, 5000, 20_000];
const delaysNs = [0, 2000, 10_000, 25_000];
/** A VNF busier than this has a queue, and its packets are not alone. */
const busiest = 0.6;

/**
 * Measures the instrument's own offset with the example VNF, median of service - truth at each point of the grid,
 * and keeps it. `step` is called before each point. Undefined when it was stopped: then nothing is kept.
 */
export async function calibrate(
  options: RunOptions,
  stop: AbortSignal,
  step: (done: number, of: number) => void = () => {},
): Promise<Calibration | undefined> {
  const grid = loads.flatMap((pps) =>
    delaysNs
      .filter((delayNs) => pps * (delayNs + 5000) < busiest * 1e9)
      .map((delayNs) => ({ pps, delayNs })),
  );
  const points: CalibrationPoint[] = [];
  let hooks: RunResult["hooks"] = {};
  for (const { pps, delayNs } of grid) {
    step(points.length, grid.length);
    const params = { ...options.params, ...sampling, pps, delayNs, law: 0 as const };
    const measured = await measure({ ...options, params, out: undefined, cost: false }, stop);
    if (stop.aborted) return undefined;
    if (measured.ended !== undefined || !measured.truthNs) {
      throw new KomonError({
        what: "the calibration did not come to its end",
        why: measured.ended ?? "the VNF gave no truth",
        exit: 1,
      });
    }
    const errors = spanErrors(measured.records, "service", measured.truthNs);
    const { value, low, high } = batchMedianInterval(errors);
    points.push({
      pps,
      delay_ns: delayNs,
      offset_ns: value,
      uncertainty_ns: (high - low) / 2,
      pairs: errors.length,
    });
    hooks = measured.result.hooks;
  }
  return keepCalibration(hooks, options, points);
}

const sampling = { intervals: 20, packets: 100, sleepNs: 0 };
