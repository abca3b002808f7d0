/** Giving up root, once all that needs it is done. */
import { dlopen, FFIType as T } from "bun:ffi";
import { readFileSync } from "node:fs";
import { KomonError, usageError } from "../base/errors.ts";
import { errnoWhy, lastErrno, libc } from "./libc.ts";

const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;

/** Numbers from include/uapi/linux/capability.h. */
export const Capability = {
  dacOverride: 1,
  netBindService: 10,
  netAdmin: 12,
  netRaw: 13,
  sysAdmin: 21,
  perfmon: 38,
  bpf: 39,
} as const;

export type CapabilityName = keyof typeof Capability;

/** True when the calling thread may use it now. */
export function hasCapability(name: CapabilityName): boolean {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((effective >> BigInt(Capability[name])) & 1n) === 1n;
}

/** Which of them the calling thread may not use, as capabilities(7) spells them. CAP_SYS_ADMIN includes two. */
export function missingCapabilities(names: readonly CapabilityName[]): string[] {
  const isWithin = (name: CapabilityName) => name === "bpf" || name === "perfmon";
  return names
    .filter((name) => !hasCapability(name) && !(isWithin(name) && hasCapability("sysAdmin")))
    .map((name) => `CAP_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`);
}

/**
 * Gives up all capabilities but those in `keep`, for good, and every way to get one back by starting a program.
 * Holds for the calling thread, which runs komon's code, and for the threads and processes that it starts later.
 * Of `keep` it keeps what it has.
 */
export function dropCapabilities(keep: readonly CapabilityName[] = []): void {
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const kept = keep.filter(hasCapability).map((name) => Capability[name]);
  const header = new Uint32Array([0x2008_0522, 0]); // _LINUX_CAPABILITY_VERSION_3, this thread
  const data = new Uint32Array(6); // twice: effective, permitted, inheritable
  for (const bit of kept) {
    const word = (bit >> 5) * 3;
    data[word] |= 1 << (bit & 31);
    data[word + 1] |= 1 << (bit & 31);
  }
  if (libc.capset(header, data) === 0) return;
  throw new KomonError({ what: "cannot give up capabilities", why: errnoWhy(lastErrno()) });
}

/**
 * Becomes another user for good, in all threads, and with that loses all capabilities. Programs that are
 * attached, maps that are mapped and ports that are bound stay; new ones cannot be had. The C library's calls
 * are used because they reach every thread of the process, which the system calls do not.
 */
export function becomeUser(name: string): void {
  const { uid, gid } = userNamed(name);
  const c = dlopen("libc.so.6", {
    // int setgroups(size_t size, const gid_t *list);
    setgroups: { args: [T.u64, T.ptr], returns: T.i32 },
    // int setresgid(gid_t rgid, gid_t egid, gid_t sgid);
    setresgid: { args: [T.u32, T.u32, T.u32], returns: T.i32 },
    // int setresuid(uid_t ruid, uid_t euid, uid_t suid);
    setresuid: { args: [T.u32, T.u32, T.u32], returns: T.i32 },
  }).symbols;
  const done =
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) === 0 &&
    c.setgroups(0, null) === 0 &&
    c.setresgid(gid, gid, gid) === 0 &&
    c.setresuid(uid, uid, uid) === 0;
  if (!done) {
    throw new KomonError({
      what: `cannot become the user "${name}"`,
      why: errnoWhy(lastErrno()),
      mend: "it needs root, or CAP_SETUID and CAP_SETGID",
    });
  }
  libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // else /proc/self belongs to root
}

/** Fails with a usage error when there is none, and for root. */
export function userNamed(name: string): { uid: number; gid: number } {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw usageError(`there is no user "${name}", or it is root`, "`getent passwd` lists the users");
}
