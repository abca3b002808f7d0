import type { LoadReport } from "../model/result.ts";

/** How far behind its schedule the load was at worst, as `komon load` says; undefined where it does not. */
export function latestNs(load: LoadReport | undefined): number | undefined {
  const { pacing } = (load ?? {}) as { pacing?: { late_max_ns?: number } };
  return pacing?.late_max_ns;
}
