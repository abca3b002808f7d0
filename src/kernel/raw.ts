/** Raw sockets: what active probing sends with. Needs CAP_NET_RAW. */
import { KomonError } from "../base/errors.ts";
import { AF_INET, type SocketAddress } from "./address.ts";
import { errnoName, errnoWhy, lastErrno, libc } from "./libc.ts";

const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const IPPROTO_ICMPV6 = 58;
const ICMP6_FILTER = 1;

export const Protocol = { icmp: 1, tcp: 6, icmp6: 58 } as const;

/** Options by name, for both families: [IPv4, IPv6] numbers at IPPROTO_IP and IPPROTO_IPV6. */
const options = {
  ttl: [2, 16], // IP_TTL, IPV6_UNICAST_HOPS
  tos: [1, 67], // IP_TOS, IPV6_TCLASS
  mtuDiscover: [10, 23], // IP_MTU_DISCOVER, IPV6_MTU_DISCOVER
  errors: [11, 25], // IP_RECVERR, IPV6_RECVERR
  receiveTtl: [12, 51], // IP_RECVTTL, IPV6_RECVHOPLIMIT
  checksum: [0, 7], // IPV6_CHECKSUM: where the kernel writes it
} as const;

/** Values of `mtuDiscover`: set DF and refuse what is too long; or never set DF. */
export const MtuDiscover = { never: 0, always: 2 } as const;

export function rawSocket(family: SocketAddress["family"], protocol: number): number {
  const fd = libc.socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd >= 0) return fd;
  const errno = lastErrno();
  const spoken = family === AF_INET ? "IPv4" : "IPv6";
  throw new KomonError({
    what: `cannot open a raw socket for ${spoken}`,
    why: errnoWhy(errno),
    ...(errnoName(errno) === "EPERM" && { mend: "run as root, or with CAP_NET_RAW" }),
    ...(errnoName(errno) === "EAFNOSUPPORT" && {
      mend: `this kernel runs without ${spoken}; leave its hosts out`,
    }),
  });
}

/** Lets ICMP of this type into the socket and nothing else; without a type, nothing at all. */
export function filterIcmp(fd: number, family: SocketAddress["family"], type?: number): void {
  if (family === AF_INET) {
    const blocked = new Uint32Array([type === undefined ? 0xffff_ffff : ~(1 << type) >>> 0]);
    check(libc.setsockopt(fd, SOL_RAW, ICMP_FILTER, blocked, 4), "ICMP_FILTER");
    return;
  }
  const blocked = new Uint32Array(8).fill(0xffff_ffff);
  if (type !== undefined) blocked[type >> 5] &= ~(1 << (type & 31));
  check(libc.setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, blocked, 32), "ICMP6_FILTER");
}

export function setIpOption(
  fd: number,
  family: SocketAddress["family"],
  name: keyof typeof options,
  value: number,
): void {
  const level = family === AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  const number = options[name][family === AF_INET ? 0 : 1];
  check(libc.setsockopt(fd, level, number, new Int32Array([value]), 4), name);
}

/** Packets leave by this device, whatever the routes say. */
export function bindToDevice(fd: number, name: string): void {
  const bytes = new TextEncoder().encode(name);
  check(
    libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bytes, bytes.length),
    `to send by ${name} only`,
  );
}

function check(result: number, spoken: string): void {
  if (result === 0) return;
  throw new KomonError({
    what: `cannot set the socket option ${spoken}`,
    why: errnoWhy(lastErrno()),
  });
}
