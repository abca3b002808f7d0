import { KomonError } from "../base/errors.ts";
import { cstring, errnoWhy, lastErrno, libc } from "./libc.ts";
import { mountPoint } from "./mounts.ts";

const O_DIRECTORY = 0o200000;
const O_CLOEXEC = 0o2000000;
const FSCONFIG_CMD_CREATE = 6;
/** The same numbers on every architecture (include/uapi/asm-generic/unistd.h), since 5.2. */
const syscalls = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;

/**
 * A descriptor of the root of the cgroup2 hierarchy. Where it is mounted nowhere, a detached mount serves:
 * no path of the host changes, and it goes when the descriptor is closed.
 */
export function openCgroupRoot(): number {
  const path = mountPoint("cgroup2");
  if (path !== undefined) {
    const fd = libc.open(cstring(path), O_DIRECTORY | O_CLOEXEC, 0);
    if (fd >= 0) return fd;
  }
  const context = Number(libc.syscall(syscalls.fsopen, cstring("cgroup2"), 1, null, 0, 0));
  if (context >= 0) {
    const created = libc.syscall(
      syscalls.fsconfig,
      context as never,
      FSCONFIG_CMD_CREATE,
      null,
      0,
      0,
    );
    const fd =
      Number(created) < 0
        ? -1
        : Number(libc.syscall(syscalls.fsmount, context as never, 1, null, 0, 0));
    const errno = lastErrno();
    libc.close(context);
    if (fd >= 0) return fd;
    throw noCgroup(errno);
  }
  throw noCgroup(lastErrno());
}

function noCgroup(errno: number): KomonError {
  return new KomonError({
    what: "cannot open the cgroup2 hierarchy",
    why: errnoWhy(errno),
    mend: "mount it: mount -t cgroup2 none /sys/fs/cgroup/unified",
  });
}
