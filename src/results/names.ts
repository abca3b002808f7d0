import { isLaw, type Law } from "../model/laws.ts";
import type { RunParams } from "../model/run.ts";

/**
 * Kinds of result files. VNF_: the VNF's own time per packet; KERNEL_: the kernel's (sojourn);
 * BUFFER_: the socket's queue at each interval's start; SPANS_: everything per packet.
 */
export const resultKinds = ["VNF", "KERNEL", "BUFFER", "SPANS"] as const;
export type ResultKind = (typeof resultKinds)[number];

/**
 * Whose naming a file follows. `komon`: law and repetition at the end, as KOMon in 2019 wrote its
 * delays; `loads`: no law, as KOMon in 2019 wrote its loads; `2018`: neither, and times in µs.
 */
export type NameScheme = "komon" | "loads" | "2018";

export interface ResultName {
  readonly kind: ResultKind;
  readonly scheme: NameScheme;
  readonly params: RunParams;
}

/** `VNF_1000pps_128byte_0.1_50_1000_10_3_2.log`; the JSON of a whole run is `RUN_….json`. */
export function resultName(kind: ResultKind | "RUN", params: RunParams): string {
  const { pps, sizeBytes, sleepNs, delayNs, intervals, packets, law, rep } = params;
  const rate = `${decimal(pps)}pps_${sizeBytes}byte`;
  const times = `${secondsText(sleepNs)}_${microsecondsText(delayNs)}`;
  const end = kind === "RUN" ? "json" : "log";
  return `${kind}_${rate}_${times}_${intervals}_${packets}_${law}_${rep}.${end}`;
}

/** Nanoseconds as seconds, exact and without trailing zeros: `0.1`. */
export function secondsText(ns: number): string {
  return shifted(ns, 9);
}

/** Nanoseconds as microseconds, exact and without trailing zeros: `50`, `2.5`. */
export function microsecondsText(ns: number): string {
  return shifted(ns, 3);
}

/** Moves the decimal point of a whole number to the left by `places`. */
function shifted(whole: number, places: number): string {
  const digits = decimal(Math.round(whole)).padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return digits.slice(0, -places) + (fraction === "" ? "" : `.${fraction}`);
}

/** Never in exponent notation. */
function decimal(value: number): string {
  return value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 9 });
}

const pattern =
  /^(VNF|KERNEL|BUFFER|SPANS)_([\d.]+)pps_(\d+)byte_([\d.]+)_([\d.]+)_(\d+)_(\d+)(?:_(\d+))?(?:_(\d+))?\.log$/;

/** Reads a file name of any of the three schemes; undefined when it is none. */
export function parseResultName(name: string): ResultName | undefined {
  const match = pattern.exec(name);
  if (!match) return undefined;
  const [, kind, pps, bytes, sleep, delay, intervals, packets, seventh, eighth] = match;
  const law = eighth === undefined ? 0 : Number(seventh);
  if (!isLaw(law)) return undefined;
  const params: RunParams = {
    intervals: Number(intervals),
    packets: Number(packets),
    sleepNs: Math.round(Number(sleep) * 1e9),
    pps: Number(pps),
    sizeBytes: Number(bytes),
    delayNs: Math.round(Number(delay) * 1e3),
    law: law as Law,
    rep: Number(eighth ?? seventh ?? 1),
  };
  const scheme = eighth !== undefined ? "komon" : seventh !== undefined ? "loads" : "2018";
  return Object.values(params).every(Number.isFinite)
    ? { kind: kind as ResultKind, scheme, params }
    : undefined;
}
