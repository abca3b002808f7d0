import { KomonError } from "../base/errors.ts";
import { AF_INET6, endpointText, SOCKADDR_BYTES, type SocketAddress } from "./address.ts";
import { libc } from "./bindings.ts";
import { errnoName, errnoWhy, lastErrno } from "./errno.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const IPPROTO_IPV6 = 41;

/** Options that take an int, at SOL_SOCKET (include/uapi/asm-generic/socket.h). */
const optionNames = {
  sendBuffer: 7,
  receiveBuffer: 8,
  reusePort: 15,
  sendBufferForced: 32,
  receiveBufferForced: 33,
} as const;
const SO_RCVTIMEO = 20;
const IPV6_V6ONLY = 26;

export const MSG_DONTWAIT = 0x40;
export const POLLIN = 1;
export const SHUT_RD = 0;

/** A UDP socket; closed on exec, open until {@link closeSocket}. */
export function udpSocket(family: SocketAddress["family"]): number {
  const fd = libc.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    const errno = lastErrno();
    throw new KomonError({
      what: `cannot open a UDP socket for ${family === AF_INET6 ? "IPv6" : "IPv4"}`,
      why: errnoWhy(errno),
      ...(errnoName(errno) === "EAFNOSUPPORT" && { mend: "this kernel runs without that family" }),
    });
  }
  return fd;
}

/** Two connected datagram sockets that no network sees. */
export function localPair(): [number, number] {
  const fds = new Int32Array(2);
  if (libc.socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) !== 0) throw noLocalSocket();
  return [fds[0], fds[1]];
}

/** A datagram socket that no network sees, under a name that the kernel makes up. */
export function localSocket(): number {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const nameless = new Uint8Array([AF_UNIX, 0]);
  if (fd < 0 || libc.bind(fd, nameless, nameless.length) !== 0) throw noLocalSocket();
  return fd;
}

export function bindSocket(fd: number, address: SocketAddress): void {
  if (libc.bind(fd, address.bytes, address.bytes.length) === 0) return;
  const errno = lastErrno();
  throw new KomonError({
    what: `cannot bind to ${endpointText(address)}`,
    why: errnoWhy(errno),
    mend: bindMend(errnoName(errno), address.port),
  });
}

export function connectSocket(fd: number, address: SocketAddress): void {
  if (libc.connect(fd, address.bytes, address.bytes.length) === 0) return;
  throw new KomonError({
    what: `cannot reach ${endpointText(address)}`,
    why: errnoWhy(lastErrno()),
    mend: "`ip route get` shows the way, with `ip netns exec NAME` inside a network namespace",
  });
}

/** The port the socket is bound to: what the kernel chose when it was asked for port 0. */
export function localPort(fd: number): number {
  const address = new Uint8Array(new ArrayBuffer(SOCKADDR_BYTES));
  const length = new Uint32Array([SOCKADDR_BYTES]);
  if (libc.getsockname(fd, address, length) !== 0) {
    throw new KomonError({ what: "cannot ask for a socket's port", why: errnoWhy(lastErrno()) });
  }
  return address[2] * 256 + address[3];
}

export function setOption(fd: number, name: keyof typeof optionNames, value: number): void {
  set(fd, SOL_SOCKET, optionNames[name], new Int32Array([value]), name);
}

/** Whether an IPv6 socket bound to `::` leaves IPv4 to others. */
export function setIpv6Only(fd: number, only: boolean): void {
  set(fd, IPPROTO_IPV6, IPV6_V6ONLY, new Int32Array([only ? 1 : 0]), "IPV6_V6ONLY");
}

/** A blocked receive returns with EAGAIN after this time. */
export function setReceiveTimeout(fd: number, ns: number): void {
  const seconds = Math.floor(ns / 1e9);
  const timeval = new Float64Array(2); // struct timeval: two 64-bit words
  new BigInt64Array(timeval.buffer).set([BigInt(seconds), BigInt(Math.round((ns % 1e9) / 1e3))]);
  set(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, "SO_RCVTIMEO");
}

/**
 * Sets the receive or send buffer and returns what the kernel made of it (it doubles the value for
 * its own bookkeeping). With CAP_NET_ADMIN the limit `net.core.[rw]mem_max` does not hold.
 */
export function setBuffer(fd: number, side: "receive" | "send", bytes: number): number {
  const [plain, forced] =
    side === "receive"
      ? ([optionNames.receiveBuffer, optionNames.receiveBufferForced] as const)
      : ([optionNames.sendBuffer, optionNames.sendBufferForced] as const);
  const value = new Int32Array([bytes]);
  if (libc.setsockopt(fd, SOL_SOCKET, forced, value, 4) !== 0) {
    set(fd, SOL_SOCKET, plain, value, `${side} buffer`);
  }
  const length = new Uint32Array([4]);
  libc.getsockopt(fd, SOL_SOCKET, plain, value, length);
  return value[0];
}

export function closeSocket(fd: number): void {
  libc.close(fd);
}

function noLocalSocket(): KomonError {
  return new KomonError({ what: "cannot open a local socket", why: errnoWhy(lastErrno()) });
}

function set(
  fd: number,
  level: number,
  name: number,
  value: NodeJS.TypedArray,
  spoken: string,
): void {
  if (libc.setsockopt(fd, level, name, value, value.byteLength) === 0) return;
  throw new KomonError({
    what: `cannot set the socket option ${spoken}`,
    why: errnoWhy(lastErrno()),
  });
}

function bindMend(errno: string, port: number): string {
  if (errno === "EADDRINUSE") {
    return `\`ss -lunp 'sport = :${port}'\` shows who has it; or take another port`;
  }
  if (errno === "EACCES") return "ports below 1024 need root or CAP_NET_BIND_SERVICE";
  return "`ip address` shows the addresses of this host";
}
