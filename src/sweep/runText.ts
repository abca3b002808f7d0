import { formatNs, formatRate } from "../base/units.ts";
import { laws } from "../model/laws.ts";
import type { SweepRun } from "./runs.ts";

/** A run in a few words: `1.00 kpps, 128 B, 50.0 µs negexp, rep 2`. */
export function runText({ params, options }: SweepRun): string {
  const { pps, sizeBytes, delayNs, law, rep } = params;
  const given = Object.entries(options).map(([name, value]) => `, ${name}=${value}`);
  const delay = `${formatNs(delayNs)} ${laws[law].name}`;
  return `${formatRate(pps)}, ${sizeBytes} B, ${delay}${given.join("")}, rep ${rep}`;
}
