import type { ErrorSummary } from "../model/result.ts";
import { mad } from "./robust.ts";
import { meanOf, quantileSorted, sorted } from "./summary.ts";

/** Statistics of errors (measured - truth on the same packet), in any order. */
export function errorSummary(errors: ArrayLike<number>): ErrorSummary {
  const ascending = sorted(errors);
  const middle = quantileSorted(ascending, 0.5);
  return {
    pairs: ascending.length,
    mean_ns: meanOf(ascending),
    p50_ns: middle,
    p99_ns: quantileSorted(ascending, 0.99),
    mae_ns: meanOf(ascending.map(Math.abs)),
    residual_p50_ns: mad(ascending, middle),
  };
}

/** The same after a known offset has been taken off every error. */
export function correctedErrorSummary(errors: ArrayLike<number>, offsetNs: number): ErrorSummary {
  return errorSummary(Float64Array.from(errors, (error) => error - offsetNs));
}
