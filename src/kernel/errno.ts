import { type Pointer, read } from "bun:ffi";
import { libc } from "./bindings.ts";

/** Names by number, 1 to 133: include/uapi/asm-generic/errno{-base,}.h (x86-64 and arm64 alike). */
const names = `EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES
EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG
ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
41 ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL
ENOANO EBADRQC EBADSLT 58 EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV
ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD
ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE
EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN
ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE
EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED
EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON`.split(/\s+/);

/** The kernel's ENOTSUPP leaks to user space from BPF calls; no C header for users names it. */
const ENOTSUPP = 524;

/** `errnoName(1)` is "EPERM"; a negative number (a kernel return value) is taken by its amount. */
export function errnoName(errno: number): string {
  const n = Math.abs(errno);
  if (n === ENOTSUPP) return "ENOTSUPP";
  const name = names[n - 1];
  return name?.startsWith("E") ? name : `errno ${n}`;
}

/** `errnoNumber("EPERM")` is 1; 0 when there is no such name. */
export function errnoNumber(name: string): number {
  return name === "ENOTSUPP" ? ENOTSUPP : names.indexOf(name) + 1;
}

/** The C library's sentence: `errnoText(1)` is "Operation not permitted". */
export function errnoText(errno: number): string {
  const n = Math.abs(errno);
  return n === ENOTSUPP ? "Operation not supported by the kernel" : String(libc.strerror(n));
}

/** Name and sentence, as an error's `why` shows them: "EPERM, operation not permitted". */
export function errnoWhy(errno: number): string {
  const text = errnoText(errno);
  return `${errnoName(errno)}, ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** errno is one word per thread; a Worker loads this module anew and so finds its own. */
const location = Number(libc.__errno_location()) as Pointer;

/** errno as the last failing call of this thread left it: read it before any other call. */
export function lastErrno(): number {
  return read.i32(location, 0);
}
