/**
 * The instrument's own offset: the edges of two system calls that lie between komon's hooks and the VNF's own
 * stamps. It is measured with the example VNF on this host, kept with its conditions, and taken off only as an
 * extra figure. It is the same for every packet up to caches: so it is kept per load, and per service time.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { HookChoice, RunResult } from "../model/result.ts";
import { defaultWait, type Wait } from "../model/wait.ts";
import { writeWhole } from "../results/wholeFile.ts";
import { conditions } from "./manifest.ts";
import type { RunOptions } from "./options.ts";

const schema = "komon.calibration/1";

export interface CalibrationPoint {
  readonly pps: number;
  readonly delay_ns: number;
  /** Median of service - truth. */
  readonly offset_ns: number;
  /** Half the width of its 95 % confidence interval by batch means. */
  readonly uncertainty_ns: number;
  readonly pairs: number;
}

export interface Calibration {
  readonly schema: typeof schema;
  readonly made: string;
  readonly conditions: Readonly<Record<string, string>>;
  /** Whether the CPUs were kept awake: asleep between packets, they have colder caches. */
  readonly awake: boolean;
  /** Where the VNF waited: one that sleeps in its receive call has colder caches than one that never sleeps. */
  readonly wait: Wait;
  /** The hooks at read and send: another pair has another offset. */
  readonly hooks: { readonly read: string; readonly send: string };
  readonly points: readonly CalibrationPoint[];
}

export interface CalibratedOffset {
  readonly offset_ns: number;
  readonly uncertainty_ns: number;
  readonly made: string;
}

/** Where the calibration lies: the host's state for root, the user's otherwise. */
export function calibrationPath(): string {
  if (process.geteuid?.() === 0) return "/var/lib/komon/calibration.json";
  return join(
    process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state"),
    "komon/calibration.json",
  );
}

/** Keeps a calibration for later runs; returns where. */
export function keepCalibration(
  hooks: RunResult["hooks"],
  { awake = false, wait = defaultWait }: RunOptions,
  points: readonly CalibrationPoint[],
): Calibration {
  const made = new Date().toISOString();
  const calibration = {
    schema,
    made,
    conditions: conditions(),
    awake,
    wait,
    hooks: pairOf(hooks),
    points,
  } as const;
  const path = calibrationPath();
  mkdirSync(dirname(path), { recursive: true });
  writeWhole(path, `${JSON.stringify(calibration, undefined, 2)}\n`, { replace: true });
  return calibration;
}

/** The offset for a run with these hooks and this load, or why there is none. */
export function calibrationFor(
  hooks: RunResult["hooks"],
  { params, awake = false, wait = defaultWait }: RunOptions,
): { readonly offset?: CalibratedOffset; readonly refused?: string } {
  const calibration = readCalibration();
  if (typeof calibration === "string") return { refused: calibration };
  const now = conditions();
  const changed = Object.keys(now).filter((key) => now[key] !== calibration.conditions[key]);
  if (changed.length > 0)
    return { refused: `since the calibration changed: ${changed.join(", ")}` };
  if (awake !== calibration.awake) {
    return {
      refused: `the calibration was made ${calibration.awake ? "with" : "without"} --awake`,
    };
  }
  if (wait !== calibration.wait) {
    return { refused: `the calibration was made with --wait ${calibration.wait}` };
  }
  const { read, send } = pairOf(hooks);
  if (read !== calibration.hooks.read || send !== calibration.hooks.send) {
    return {
      refused: `the calibration is for ${calibration.hooks.read} and ${calibration.hooks.send}`,
    };
  }
  return {
    offset: { ...offsetAt(calibration.points, params.pps, params.delayNs), made: calibration.made },
  };
}

/** Linear in the service time between the points of the nearest load (by ratio); beyond them the last one's. */
export function offsetAt(
  points: readonly CalibrationPoint[],
  pps: number,
  delayNs: number,
): { offset_ns: number; uncertainty_ns: number } {
  const far = (p: CalibrationPoint) => Math.abs(Math.log(p.pps / pps));
  const nearest = points.reduce((best, p) => (far(p) < far(best) ? p : best)).pps;
  const row = points.filter((p) => p.pps === nearest).sort((a, b) => a.delay_ns - b.delay_ns);
  const above = row.find((p) => p.delay_ns >= delayNs) ?? row[row.length - 1];
  const below = row.findLast((p) => p.delay_ns <= delayNs) ?? row[0];
  const width = above.delay_ns - below.delay_ns;
  const share = width > 0 ? (delayNs - below.delay_ns) / width : 0;
  return {
    offset_ns: below.offset_ns + share * (above.offset_ns - below.offset_ns),
    uncertainty_ns: Math.max(below.uncertainty_ns, above.uncertainty_ns),
  };
}

/** What is kept, or why there is nothing. */
function readCalibration(): Calibration | string {
  const path = calibrationPath();
  try {
    const read = JSON.parse(readFileSync(path, "utf8")) as Calibration;
    if (read?.schema === schema && read.points.length > 0) return read;
    return `${path} is no calibration`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "this host is not calibrated (komon doctor --calibrate)";
    return `${path} cannot be read: ${code ?? "it is no JSON"}`;
  }
}

function pairOf(hooks: RunResult["hooks"]): { read: string; send: string } {
  const name = (choice: HookChoice | undefined) => choice?.hook ?? "none";
  return { read: name(hooks.read), send: name(hooks.send) };
}
