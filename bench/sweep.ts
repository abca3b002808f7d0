/**
 * `komon sweep params/calibration`, once: every line must hold the bars of the accuracy table by itself. A calibration is
 * made before, in a process of its own; the CPUs are kept awake in both.
 */
import { calibrateIn, World } from "./komon.ts";
import { ns, printRows, type Row } from "./table.ts";

interface Line {
  readonly line: number;
  readonly delay_ns: number;
  readonly state: string;
  readonly error_p50_ns: number;
  readonly error_p99_ns: number;
  readonly residual_p50_ns: number;
  readonly corrected_p50_ns: number;
}
type Figure = "error_p50_ns" | "error_p99_ns" | "residual_p50_ns" | "corrected_p50_ns";

const bars: readonly (readonly [what: string, figure: Figure, mustNs: number, aimNs: number])[] = [
  ["median of service − truth, raw", "error_p50_ns", 1000, 600],
  ["p99 of the same", "error_p99_ns", 3000, 1500],
  ["residual (median removed), median", "residual_p50_ns", 100, 40],
  ["median of corrected − truth", "corrected_p50_ns", 100, 50],
];

/** The VNF as it is by default; how else it may wait: see bench/accuracy.ts. */
export async function sweep(): Promise<void> {
  await using world = await World.open();
  await calibrateIn(world);
  const words = ["params/calibration", "--reps", "1", "--awake", "--no-cost", "--out", "/tmp/out"];
  const { rows } = await world.komonJson<{ rows: readonly Line[] }>("sweep", ...words);
  console.log("\nkomon sweep params/calibration, 100 × 10 packets a line, 1 kpps:");
  for (const row of rows) {
    const figures = bars.map(([, figure]) => ns(row[figure]).padStart(8)).join("  ");
    console.log(`  line ${row.line}, ${ns(row.delay_ns).padStart(8)}: ${figures}  ${row.state}`);
  }
  printRows(
    `sweep of params/calibration, ${rows.length} lines × 1 rep`,
    bars.map((bar) => rowOf(rows, ...bar)),
  );
}

function rowOf(
  rows: readonly Line[],
  what: string,
  figure: Figure,
  mustNs: number,
  aimNs: number,
): Row {
  const values = rows.map((row) => Math.abs(row[figure]));
  const kept = values.filter((value) => value <= mustNs).length;
  return {
    what,
    measured: `${ns(Math.min(...values))} to ${ns(Math.max(...values))}, ${kept} of ${rows.length} lines`,
    must: `≤ ${ns(mustNs)} in each`,
    aim: ns(aimNs),
    peer: "",
    met: kept === rows.length && rows.every(({ state }) => state === "done"),
  };
}
