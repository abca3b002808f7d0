/**
 * `komon sweep params/calibration`: every line must hold the bars of the accuracy table by itself. A calibration is made
 * before, in a process of its own; the CPUs are kept awake. After each sweep a VNF in C does the same at each delay: what
 * it shows is what this machine makes of a VNF that does nothing but receive, spin and send.
 */
import type { ErrorSummary } from "../src/model/result.ts";
import { calibrateIn, World } from "./komon.ts";
import { inC } from "./mirror.ts";
import { ns, printRows, type Row } from "./table.ts";

const sweeps = 3;

interface Line {
  readonly line: number;
  readonly delay_ns: number;
  readonly state: string;
  readonly error_p50_ns: number;
  readonly error_p99_ns: number;
  readonly residual_p50_ns: number;
  readonly corrected_p50_ns: number;
}

interface Bar {
  readonly what: string;
  readonly figure: Exclude<keyof Line, "line" | "state">;
  readonly mustNs: number;
  readonly aimNs: number;
  /** The same figure of the VNF in C, of its runs at one delay. */
  readonly ofC: (errors: readonly ErrorSummary[]) => number;
}

const worst = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

const bars: readonly Bar[] = [
  {
    ...{ what: "median of service − truth, raw", figure: "error_p50_ns", mustNs: 1000, aimNs: 600 },
    ofC: (errors) => worst(errors.map((error) => error.p50_ns)),
  },
  {
    ...{ what: "p99 of the same", figure: "error_p99_ns", mustNs: 3000, aimNs: 1500 },
    ofC: (errors) => worst(errors.map((error) => error.p99_ns)),
  },
  {
    ...{ what: "residual (median removed), median", figure: "residual_p50_ns" },
    ...{ mustNs: 100, aimNs: 40 },
    ofC: (errors) => worst(errors.map((error) => error.residual_p50_ns)),
  },
  {
    ...{ what: "median of corrected − truth; in C: how far the raw one moved from run to run" },
    ...{ figure: "corrected_p50_ns", mustNs: 100, aimNs: 50 },
    ofC: (errors) => spread(errors.map((error) => error.p50_ns)),
  },
];

/** The VNF as it is by default; how else it may wait: see bench/accuracy.ts. */
export async function sweep(): Promise<void> {
  await using world = await World.open();
  await calibrateIn(world);
  const lines: Line[] = [];
  const errors = new Map<number, ErrorSummary[]>();
  for (let at = 0; at < sweeps; at++) {
    const words = ["params/calibration", "--reps", "1", "--awake", "--no-cost"];
    const out = ["--out", `/tmp/out-${at}`];
    const { rows } = await world.komonJson<{ rows: readonly Line[] }>("sweep", ...words, ...out);
    lines.push(...rows);
    for (const { delay_ns } of rows) {
      const error = await inC(world, delay_ns / 1000, "ready");
      errors.set(delay_ns, [...(errors.get(delay_ns) ?? []), error]);
    }
  }
  console.log("\nkomon sweep params/calibration, 100 × 10 packets a line, 1 kpps:");
  for (const [delayNs, inC] of errors) {
    for (const row of lines.filter(({ delay_ns }) => delay_ns === delayNs)) {
      const figures = bars.map(({ figure }) => ns(row[figure]).padStart(8)).join("  ");
      console.log(`  ${ns(delayNs).padStart(8)}: ${figures}  ${row.state}`);
    }
    console.log(`     in C: ${bars.map(({ ofC }) => ns(ofC(inC)).padStart(8)).join("  ")}  worst`);
  }
  printRows(
    `${sweeps} sweeps of params/calibration, ${errors.size} lines`,
    bars.map((bar) => rowOf(lines, [...errors.values()], bar)),
  );
}

function rowOf(
  lines: readonly Line[],
  inC: readonly (readonly ErrorSummary[])[],
  { what, figure, mustNs, aimNs, ofC }: Bar,
): Row {
  const values = lines.map((row) => Math.abs(row[figure]));
  const kept = values.filter((value) => value <= mustNs).length;
  const range = (of: readonly number[]) => `${ns(Math.min(...of))} to ${ns(Math.max(...of))}`;
  return {
    what,
    measured: `${range(values)}, ${kept} of ${values.length} lines`,
    must: `≤ ${ns(mustNs)} in each`,
    aim: ns(aimNs),
    peer: `in C ${range(inC.map(ofC))}`,
    met: kept === values.length && lines.every(({ state }) => state === "done"),
  };
}
