import { readFileSync } from "node:fs";
import { KomonError, usageError } from "../base/errors.ts";
import { libc } from "./bindings.ts";
import { errnoName, errnoWhy, lastErrno } from "./errno.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_TIMERSLACK = 29;
const PRIO_PROCESS = 0;
const SIGTERM = 15;

/** The calling thread's id, as BPF programs and /proc show it. */
export function threadId(): number {
  return libc.gettid();
}

/** Pins the calling thread, and the threads it starts later, to one CPU. */
export function pinThread(cpu: number): void {
  const mask = new Uint8Array(new ArrayBuffer(1024)); // 8192 CPUs
  if (cpu >= mask.length * 8) throw noSuchCpu(cpu);
  mask[cpu >> 3] = 1 << (cpu & 7);
  if (libc.sched_setaffinity(0, mask.length, mask) === 0) return;
  const errno = lastErrno();
  if (errnoName(errno) === "EINVAL") throw noSuchCpu(cpu);
  throw new KomonError({ what: `cannot pin a thread to CPU ${cpu}`, why: errnoWhy(errno) });
}

/** Sets the calling thread's nice value: -20 (first) to 19 (last). */
export function setNice(nice: number): void {
  if (libc.setpriority(PRIO_PROCESS, 0, nice) === 0) return;
  throw new KomonError({
    what: `cannot set the nice value ${nice}`,
    why: errnoWhy(lastErrno()),
    mend: "values below 0 need root or CAP_SYS_NICE",
  });
}

/**
 * Lets the calling thread's sleeps end within ns of their time. The kernel's default is 50 µs of
 * slack, so that it can end several sleeps with one interrupt.
 */
export function setTimerSlack(ns: number): void {
  libc.prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0);
}

/**
 * The kernel sends this process SIGTERM when its parent ends, however it ends.
 * Call it early: a parent that ended before the call is not noticed.
 */
export function dieWithParent(): void {
  libc.prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

/** *Fails when* this machine has no such CPU, with a usage error; a cpuset may refuse others. */
export function requireCpu(cpu: number): void {
  const online = onlineCpus();
  const ranges = online.split(",").map((range) => range.split("-").map(Number));
  if (online && !ranges.some(([first, last = first]) => first <= cpu && cpu <= last)) {
    throw noSuchCpu(cpu);
  }
}

function onlineCpus(): string {
  try {
    return readFileSync("/sys/devices/system/cpu/online", "utf8").trim();
  } catch {
    return "";
  }
}

function noSuchCpu(cpu: number): KomonError {
  const online = onlineCpus();
  const why = online && `this process may not run there; the machine has CPUs ${online}`;
  return usageError(`there is no CPU ${cpu} for --cpu`, "`nproc` counts those you may use", why);
}
