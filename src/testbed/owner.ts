/**
 * Who made a thing: a process, told apart from later ones with the same PID by its start time
 * (proc(5), /proc/PID/stat field 22), from those of another boot by the boot's id, and from those
 * of another container by its PID namespace.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Owner {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly command: string;
}

/** "unknown": a process of another PID namespace, which cannot be seen from here. */
export type Life = "alive" | "dead" | "unknown";

/** Carried by every process that komon starts, so that they are found when komon was killed. */
const OWNER_VARIABLE = "KOMON_OWNER";

const bootId = (): string => read("/proc/sys/kernel/random/boot_id").trim();
const pidNamespace = (): string => readlinkSync("/proc/self/ns/pid");

let self: Owner | undefined;

/** This process. */
export function thisOwner(): Owner {
  self ??= {
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? 0,
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    command: ["komon", ...process.argv.slice(2)].join(" "),
  };
  return self;
}

export function lifeOf(owner: Owner): Life {
  if (owner.bootId !== bootId()) return "dead";
  if (owner.pidNamespace !== pidNamespace()) return "unknown";
  return startTicks(owner.pid) === owner.startTicks ? "alive" : "dead";
}

/** When the process started, in clock ticks since boot; undefined when it has ended (or is a zombie). */
export function startTicks(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from field 3, the state
  if (fields.length < 20 || fields[0] === "Z" || fields[0] === "X") return undefined;
  return Number(fields[19]);
}

/** The environment for a process that komon starts. */
export function ownedEnvironment(): Record<string, string | undefined> {
  return { ...process.env, [OWNER_VARIABLE]: markOf(thisOwner()) };
}

export interface FoundProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly name: string;
}

/** Living processes that this owner started, or that those started. */
export function startedBy(owner: Owner): FoundProcess[] {
  const mark = `${OWNER_VARIABLE}=${markOf(owner)}`;
  return readdirSync("/proc").flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    if (!read(`/proc/${pid}/environ`).split("\0").includes(mark)) return [];
    const found = describeProcess(pid);
    return found ? [found] : [];
  });
}

/** A living process with what is needed to know it again; undefined when it has ended. */
export function describeProcess(pid: number): FoundProcess | undefined {
  const ticks = startTicks(pid);
  if (ticks === undefined) return undefined;
  const words = read(`/proc/${pid}/cmdline`).split("\0").slice(0, 3).join(" ").trim();
  const name = (words || read(`/proc/${pid}/comm`).trim()).replace(/[^ -~]/g, "?");
  return { pid, startTicks: ticks, name };
}

function markOf(owner: Owner): string {
  return `${owner.pid}-${owner.startTicks}`;
}

/** The file's text, or nothing when the process has gone or is not ours to look at. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
