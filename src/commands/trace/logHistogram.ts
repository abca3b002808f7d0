/** bcc's histogram: a row for every power of two, with stars. */
import { bucketLower, type Histogram } from "../../stats/histogram.ts";

const stars = 40;

/** `unit` divides the values: 1 for what the histogram counts in, 1000 for thousands. */
export function logHistogram(of: Histogram, name: string, unit = 1): string {
  const rows = slots(of, unit);
  const most = Math.max(...rows);
  const lines = rows.map((count, slot) => {
    const low = slot === 0 ? 0 : 2 ** slot;
    const high = 2 ** (slot + 1) - 1;
    const drawn = "*".repeat(Math.floor((stars * count) / most)).padEnd(stars);
    return `${String(low).padStart(10)} -> ${String(high).padEnd(10)} : ${String(count).padEnd(8)} |${drawn}|`;
  });
  const head = `${" ".repeat(5)}${name.padEnd(19)} : count     distribution`;
  return `${[head, ...lines].join("\n")}\n`;
}

/** Counts of 0–1, 2–3, 4–7, …; exact, since no bucket reaches over a power of two of the unit 1. */
function slots(of: Histogram, unit: number): number[] {
  const rows: number[] = [];
  for (let bucket = 0; bucket < of.counts.length; bucket++) {
    const count = of.counts[bucket];
    if (count === 0) continue;
    const value = Math.floor(bucketLower(bucket) / unit);
    const slot = value < 2 ? 0 : Math.floor(Math.log2(value));
    rows[slot] = (rows[slot] ?? 0) + count;
  }
  return Array.from(rows, (count) => count ?? 0);
}
