/**
 * How true the numbers are: every law and delay at 1 kpps, each packet against the VNF's own stamps; the same after a
 * calibration made before; for a VNF in C at the begin and at the end; and the service time from 1 kpps to 90 % of the VNF's saturation.
 */
import type { ErrorSummary } from "../src/model/result.ts";
import { type Wait, waits } from "../src/model/wait.ts";
import { median } from "../src/stats/summary.ts";
import { calibrateIn, quiet, runIn, World } from "./komon.ts";
import { inC } from "./mirror.ts";
import { ns, percent, printRows, type Row } from "./table.ts";

const laws = [0, 1, 2, 3, 4];
const delaysUs = [0, 2, 10, 25, 50, 75, 100];

/** Where the VNF waits decides how warm the caches are at the edges of its receive call. */
export async function accuracy(): Promise<void> {
  for (const wait of waits) await accuracyOf(wait);
}

async function accuracyOf(wait: Wait): Promise<void> {
  const how = ["--wait", wait];
  await using world = await World.open();
  const calibration = await calibrateIn(world, ...how);
  const before = await inC(world, 50, wait);
  const lines: string[] = [];
  const p50: number[] = [];
  const p99: number[] = [];
  const residual: number[] = [];
  const corrected: number[] = [];
  for (const law of laws) {
    for (const delay of delaysUs) {
      if (delay === 0 && law !== 0) continue;
      const { error } = await runIn(world, [20, 50, 0, 1000, 128, delay, law], ...quiet, ...how);
      if (!error?.corrected) throw new Error("no calibration applied");
      p50.push(error.service.p50_ns);
      p99.push(error.service.p99_ns);
      residual.push(error.service.residual_p50_ns);
      corrected.push(Math.abs(error.corrected.p50_ns));
      const figures = [
        error.service.p50_ns,
        error.service.p99_ns,
        error.service.residual_p50_ns,
        error.corrected.p50_ns,
      ];
      lines.push(
        `  law ${law} ${String(delay).padStart(3)} µs: ${figures.map((v) => ns(v).padStart(8)).join("  ")}`,
      );
    }
  }
  console.log(
    "\nservice − truth per packet, 1,000 packets each: p50, p99, residual p50, corrected p50",
  );
  console.log(lines.join("\n"));
  console.log(
    `calibrated at ${calibration.points.length} points, uncertainty ≤ ${ns(Math.max(...calibration.points.map((p) => p.uncertainty_ns)))}`,
  );
  const after = await inC(world, 50, wait);
  const inBoth = (pick: (error: ErrorSummary) => number) =>
    `in C ${ns(pick(before))}, later ${ns(pick(after))}`;
  const worst = (values: readonly number[]) => Math.max(...values);
  const both = (values: readonly number[]) => `${ns(median(values))}, worst ${ns(worst(values))}`;
  printRows(`accuracy, VNF --wait ${wait}, laws 0–4, delays 0–100 µs, 1 kpps`, [
    row(
      "median of service − truth, raw",
      both(p50),
      "≤ 1.0 µs",
      "0.6 µs",
      `KOMon 5.1 µs; ${inBoth((e) => e.p50_ns)}`,
      worst(p50) <= 1000,
    ),
    row(
      "p99 of the same",
      both(p99),
      "≤ 3 µs",
      "1.5 µs",
      `KOMon 10.6 µs; ${inBoth((e) => e.p99_ns)}`,
      worst(p99) <= 3000,
    ),
    row(
      "residual (median removed), median",
      both(residual),
      "≤ 100 ns",
      "40 ns",
      `KOMon 413 ns; ${inBoth((e) => e.residual_p50_ns)}`,
      worst(residual) <= 100,
    ),
    row(
      "median of corrected − truth, later run",
      both(corrected),
      "≤ 100 ns",
      "50 ns",
      `nobody; in C the raw one moved ${ns(Math.abs(after.p50_ns - before.p50_ns))} meanwhile`,
      worst(corrected) <= 100,
    ),
  ]);
}

const row = (
  what: string,
  measured: string,
  must: string,
  aim: string,
  peer: string,
  met: boolean,
) => ({
  what,
  measured,
  must,
  aim,
  peer,
  met,
});

/** The median service time of a VNF with 10 µs of work, as its load rises. */
export async function load(): Promise<void> {
  await using world = await World.open();
  const saturation = await saturationPps(world);
  const rows: Row[] = [];
  for (const wait of waits) rows.push(await movement(world, saturation, wait));
  printRows("load", rows);
}

async function movement(world: World, saturation: number, wait: Wait): Promise<Row> {
  const medians: number[] = [];
  const shown: string[] = [];
  for (const pps of [
    1000,
    ...[0.25, 0.5, 0.75, 0.9].map((share) => Math.round(saturation * share)),
  ]) {
    const { spans, truth, coverage } = await runIn(
      world,
      [10, 500, 0, pps, 128, 10, 0],
      ...quiet,
      ...["--wait", wait],
    );
    const service = spans.service?.p50_ns ?? Number.NaN;
    medians.push(service);
    shown.push(
      `  ${String(pps).padStart(7)} pps: service ${ns(service)}, truth ${ns(truth?.p50_ns ?? Number.NaN)}, ` +
        `queue p50 ${ns(spans.queue?.p50_ns ?? Number.NaN)}, matched ${coverage.matched} of ${coverage.seen}`,
    );
  }
  console.log(`\nVNF of 10 µs, --wait ${wait}, saturation ${saturation} pps\n${shown.join("\n")}`);
  const moved = Math.max(...medians.map((m) => Math.abs(m - medians[0]) / medians[0]));
  return row(
    `median of service, 1 kpps to 90 % of saturation, --wait ${wait}, moves`,
    percent(moved),
    "≤ 10 %",
    "5 %",
    "KOMon ×5",
    moved <= 0.1,
  );
}

/** What the VNF sends when it is offered more than it can. */
async function saturationPps(world: World): Promise<number> {
  const { coverage, load: sent } = await runIn(
    world,
    [1, 40_000, 0, "200k", 128, 10, 0],
    "--no-cost",
  );
  return Math.round(((sent?.sent_pps ?? 0) * coverage.matched) / coverage.seen);
}
