import { closeSync, openSync, statSync } from "node:fs";
import { Exit, KomonError } from "../base/errors.ts";
import { libc } from "./bindings.ts";
import { errnoNumber, errnoWhy, lastErrno } from "./errno.ts";

const CLONE_NEWNET = 0x40000000;

/** Where `ip netns` keeps its names. */
export const NETNS_FOLDER = "/run/netns";

/** As for {@link setNetns}: what has no slash is a name that `ip netns` keeps. */
function netnsPath(nameOrPath: string): string {
  return nameOrPath.includes("/") ? nameOrPath : `${NETNS_FOLDER}/${nameOrPath}`;
}

/** The number by which BPF programs know a network namespace; without a name, that of the calling thread. */
export function netnsInode(nameOrPath = "/proc/thread-self/ns/net"): number {
  const path = netnsPath(nameOrPath);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat) return stat.ino;
  throw new KomonError({
    what: `there is no network namespace "${nameOrPath}"`,
    why: `${path} does not exist`,
    mend: "`ip netns list` shows the names; a path such as /proc/PID/ns/net is taken too",
    exit: Exit.usage,
  });
}

/**
 * Moves the calling thread, and the threads it starts later, into a network namespace.
 * Takes a name as `ip netns` lists it, or a path such as `/proc/42/ns/net`.
 *
 * Needs CAP_SYS_ADMIN. Fails when there is no such namespace.
 */
export function setNetns(nameOrPath: string): void {
  const path = netnsPath(nameOrPath);
  const what = `cannot enter network namespace "${nameOrPath}"`;
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "EIO";
    throw new KomonError({
      what,
      why: `${path}: ${errnoWhy(errnoNumber(code))}`,
      mend: "`ip netns list` shows the names; a path such as /proc/PID/ns/net is taken too",
      cause,
    });
  }
  const failed = libc.setns(fd, CLONE_NEWNET) !== 0;
  const errno = failed ? lastErrno() : 0;
  closeSync(fd);
  if (failed) {
    throw new KomonError({
      what,
      why: errnoWhy(errno),
      ...(errno === errnoNumber("EPERM") && { mend: "run as root, or with CAP_SYS_ADMIN" }),
    });
  }
}
