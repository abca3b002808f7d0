import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { Exit, KomonError } from "../base/errors.ts";
import { mountPoint } from "../kernel/mounts.ts";

export interface Cgroup {
  readonly path: string;
  /** Its inode number, by which BPF programs know it. */
  readonly id: number;
  /** Below the root of the hierarchy, 0 = the root itself. */
  readonly level: number;
  /** Processes in it and below it. */
  readonly pids: readonly number[];
}

/** A folder of the cgroup2 hierarchy: an absolute path, or one from the hierarchy's root. */
export function openCgroup(given: string): Cgroup {
  const root = mountPoint("cgroup2");
  if (root === undefined) {
    throw new KomonError({
      what: `cannot find the cgroup ${given}`,
      why: "no cgroup2 hierarchy is mounted",
      mend: "mount it: mount -t cgroup2 none /sys/fs/cgroup/unified",
    });
  }
  const path = isAbsolute(given) && isBelow(root, given) ? resolve(given) : join(root, given);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new KomonError({
      what: `there is no cgroup ${JSON.stringify(given)}`,
      why: `${path} is no folder; the cgroup2 hierarchy is mounted at ${root}`,
      mend: "`systemd-cgls` shows the hierarchy; /proc/PID/cgroup says where a process is, after 0::",
      exit: Exit.usage,
    });
  }
  const way = relative(root, path);
  return {
    path,
    id: stat.ino,
    level: way === "" ? 0 : way.split("/").length,
    pids: processes(path),
  };
}

/** The cgroup2 folder that a process is in, from the hierarchy's root; undefined for the root. */
export function cgroupOf(pid: number): string | undefined {
  const path = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  return path === undefined || path === "/" ? undefined : path;
}

function isBelow(root: string, path: string): boolean {
  return !relative(root, resolve(path)).startsWith("..");
}

function processes(folder: string): number[] {
  const files = new Bun.Glob("**/cgroup.procs").scanSync({ cwd: folder, absolute: true });
  return [...files].flatMap((file) => {
    try {
      return readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number);
    } catch {
      return []; // a threaded cgroup, or gone meanwhile
    }
  });
}
