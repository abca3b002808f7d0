/**
 * The C library, bound once. Above each symbol stands its C prototype.
 *
 * Return types: a call that gives `ssize_t` is bound as `i32`, because every buffer of komon is
 * smaller than 2 GiB and a 64-bit return would cost a bigint per call. `mmap` keeps 64 bits.
 *
 * Memory: a pointer passed as a number must come from memory that cannot move: a mapping
 * (memory.ts), or `ptr()` of an ArrayBuffer that was made as such (`stableMemory`), never of a
 * typed array that owns its small storage.
 */
import { dlopen, FFIType as T } from "bun:ffi";

const { symbols } = dlopen("libc.so.6", {
  // long sysconf(int name);
  sysconf: { args: [T.i32], returns: T.i64_fast },
  // int *__errno_location(void);
  __errno_location: { args: [], returns: T.ptr },
  // long syscall(long number, ...);  as komon's few calls need it
  syscall: { args: [T.i64, T.ptr, T.u64, T.ptr, T.u64, T.u64], returns: T.i64 },
  // void *dlopen(const char *filename, int flags);
  dlopen: { args: [T.ptr, T.i32], returns: T.ptr },
  // char *dlerror(void);
  dlerror: { args: [], returns: T.cstring },
  // int vsnprintf(char *s, size_t maxlen, const char *format, va_list arg);
  vsnprintf: { args: [T.ptr, T.u64, T.ptr, T.ptr], returns: T.i32 },
  // char *strerror(int errnum);
  strerror: { args: [T.i32], returns: T.cstring },

  // int open(const char *path, int flags, mode_t mode);
  open: { args: [T.ptr, T.i32, T.u32], returns: T.i32 },
  // int close(int fd);
  close: { args: [T.i32], returns: T.i32 },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { args: [T.i32, T.ptr, T.u64], returns: T.i32 },
  // ssize_t write(int fd, const void *buf, size_t count);
  write: { args: [T.i32, T.ptr, T.u64], returns: T.i32 },
  // int memfd_create(const char *name, unsigned int flags);
  memfd_create: { args: [T.ptr, T.u32], returns: T.i32 },
  // int flock(int fd, int operation);
  flock: { args: [T.i32, T.i32], returns: T.i32 },
  // int ioctl(int fd, unsigned long request, ... /* long argument or pointer */);
  ioctl: { args: [T.i32, T.u64, T.ptr], returns: T.i32 },

  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: { args: [T.ptr, T.u64, T.i32, T.i32, T.i32, T.i64], returns: T.i64 },
  // int munmap(void *addr, size_t length);
  munmap: { args: [T.ptr, T.u64], returns: T.i32 },

  // int socket(int domain, int type, int protocol);
  socket: { args: [T.i32, T.i32, T.i32], returns: T.i32 },
  // int socketpair(int domain, int type, int protocol, int fds[2]);
  socketpair: { args: [T.i32, T.i32, T.i32, T.ptr], returns: T.i32 },
  // int bind(int fd, const struct sockaddr *addr, socklen_t len);
  bind: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  // int connect(int fd, const struct sockaddr *addr, socklen_t len);
  connect: { args: [T.i32, T.ptr, T.u32], returns: T.i32 },
  // int inet_pton(int family, const char *text, void *address);   1 = understood, 0 = not an address
  inet_pton: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
  // int shutdown(int fd, int how);
  shutdown: { args: [T.i32, T.i32], returns: T.i32 },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t len);
  setsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.u32], returns: T.i32 },
  // int getsockopt(int fd, int level, int name, void *value, socklen_t *len);
  getsockopt: { args: [T.i32, T.i32, T.i32, T.ptr, T.ptr], returns: T.i32 },
  // int getsockname(int fd, struct sockaddr *addr, socklen_t *len);
  getsockname: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
  // ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *src, socklen_t *srclen);
  recvfrom: { args: [T.i32, T.ptr, T.u64, T.i32, T.ptr, T.ptr], returns: T.i32 },
  // ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *dst, socklen_t dstlen);
  sendto: { args: [T.i32, T.ptr, T.u64, T.i32, T.ptr, T.u32], returns: T.i32 },
  // int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout);
  recvmmsg: { args: [T.i32, T.ptr, T.u32, T.i32, T.ptr], returns: T.i32 },
  // int sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags);
  sendmmsg: { args: [T.i32, T.ptr, T.u32, T.i32], returns: T.i32 },
  // int poll(struct pollfd *fds, nfds_t n, int timeout_ms);
  poll: { args: [T.ptr, T.u64, T.i32], returns: T.i32 },

  // ssize_t recvmsg(int fd, struct msghdr *msg, int flags);
  recvmsg: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
  // int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);
  ppoll: { args: [T.ptr, T.u64, T.ptr, T.ptr], returns: T.i32 },

  // int clock_gettime(clockid_t clock, struct timespec *ts);
  clock_gettime: { args: [T.i32, T.ptr], returns: T.i32 },
  // int clock_nanosleep(clockid_t clock, int flags, const struct timespec *t, struct timespec *left);
  clock_nanosleep: { args: [T.i32, T.i32, T.ptr, T.ptr], returns: T.i32 },

  // pid_t gettid(void);
  gettid: { args: [], returns: T.i32 },
  // pid_t getppid(void);
  getppid: { args: [], returns: T.i32 },
  // int sched_setaffinity(pid_t tid, size_t bytes, const cpu_set_t *mask);
  sched_setaffinity: { args: [T.i32, T.u64, T.ptr], returns: T.i32 },
  // int sched_getaffinity(pid_t tid, size_t bytes, cpu_set_t *mask);
  sched_getaffinity: { args: [T.i32, T.u64, T.ptr], returns: T.i32 },
  // int sched_yield(void);
  sched_yield: { args: [], returns: T.i32 },
  // int setpriority(int which, id_t who, int nice);
  setpriority: { args: [T.i32, T.u32, T.i32], returns: T.i32 },
  // int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
  prctl: { args: [T.i32, T.u64, T.u64, T.u64, T.u64], returns: T.i32 },
  // int capset(cap_user_header_t header, const cap_user_data_t data);
  capset: { args: [T.ptr, T.ptr], returns: T.i32 },
  // int setns(int fd, int kind);
  setns: { args: [T.i32, T.i32], returns: T.i32 },
  // int unshare(int flags);
  unshare: { args: [T.i32], returns: T.i32 },
  // int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
  mount: { args: [T.ptr, T.ptr, T.ptr, T.u64, T.ptr], returns: T.i32 },
  // int umount2(const char *target, int flags);
  umount2: { args: [T.ptr, T.i32], returns: T.i32 },
});

/** The bound calls, as C gives them: −1 and errno on failure, except where the prototype says else. */
export const libc = symbols;
