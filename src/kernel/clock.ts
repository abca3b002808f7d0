import { libc } from "./bindings.ts";
import { stableMemory } from "./memory.ts";

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
const TIMER_ABSTIME = 1;

const now = stableMemory(16);
const nowAddress = now.address;
const nowWords = new Uint32Array(now.buffer); // seconds lo, hi, nanoseconds lo, hi

/**
 * CLOCK_MONOTONIC in ns: the clock of `bpf_ktime_get_ns`, and of the ground truth.
 * A plain number; exact up to 2^53 ns, 104 days of uptime, and to 2 ns for the 104 days after.
 * `Bun.nanoseconds()` and `process.hrtime()` start at the process and cannot be compared with it.
 */
export function monotonicNs(): number {
  libc.clock_gettime(CLOCK_MONOTONIC, nowAddress);
  return nowWords[0] * 1e9 + nowWords[2];
}

/** Wall-clock time in ns since 1970, rounded to 256 ns by the size of the number. */
export function realtimeNs(): number {
  libc.clock_gettime(CLOCK_REALTIME, nowAddress);
  return nowWords[0] * 1e9 + nowWords[2];
}

const wake = stableMemory(16);
const wakeAddress = wake.address;
const wakeWords = new Uint32Array(wake.buffer);

/** Blocks this thread until CLOCK_MONOTONIC reads `ns`, or a signal comes; it may wake some 50 µs late. */
export function sleepUntilNs(ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  wakeWords[0] = seconds;
  wakeWords[2] = ns - seconds * 1e9;
  libc.clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, wakeAddress, null);
}
