/** Network devices of the caller's namespace, and which way packets to an address take. */
import { KomonError, usageError } from "../base/errors.ts";
import { AF_INET, type SocketAddress } from "./address.ts";
import { errnoName, errnoWhy } from "./libc.ts";
import {
  type Attribute,
  attributesOf,
  Netlink,
  NetlinkError,
  readText,
  readU32,
  u32,
} from "./netlink.ts";

const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_GETROUTE = 26;
const attribute = { name: 3, mtu: 4, linkInfo: 18, xdp: 43, altName: 53 } as const;
const IFLA_INFO_KIND = 1;
const xdpAttribute = { fd: 1, mode: 2, flags: 3, program: 4, expectedFd: 8 } as const;
const route = { destination: 1, source: 2, outDevice: 4, preferred: 7 } as const;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

/** ARPHRD_*: what a device's packets start with. */
export const LinkType = { ethernet: 1, loopback: 772 } as const;

export interface Device {
  readonly name: string;
  readonly ifindex: number;
  readonly linkType: number;
  /** `veth`, `bridge`, `vlan`…; empty for hardware and the loopback. */
  readonly kind: string;
  readonly mtuBytes: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** The XDP program on it; 0 = none. */
  readonly xdpProgram: number;
}

/** Asks about one device; undefined when there is none. */
export function device(which: string | number): Device | undefined {
  using netlink = new Netlink();
  const body = new Uint8Array(16); // struct ifinfomsg
  if (typeof which === "number") body.set(u32(which), 4);
  const names: Attribute[] =
    typeof which === "number" ? [] : [[attribute.name, Buffer.from(`${which}\0`)]];
  try {
    return decodeDevice(netlink.ask(RTM_GETLINK, body, names));
  } catch (error) {
    if (error instanceof NetlinkError && /ENODEV|ERANGE|EINVAL/.test(errnoName(error.errno))) {
      return undefined;
    }
    throw error;
  }
}

/** The same, and a usage error when there is none. */
export function deviceNamed(name: string): Device {
  const found = device(name);
  if (found) return found;
  throw usageError(`there is no network interface "${name}"`, "`ip link` shows those there are");
}

function decodeDevice(body: Uint8Array): Device {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const flags = view.getUint32(8, true);
  const found = attributesOf(body, 16);
  const info = attributesOf(found.get(attribute.linkInfo) ?? new Uint8Array(), 0);
  const xdp = attributesOf(found.get(attribute.xdp) ?? new Uint8Array(), 0);
  return {
    name: readText(found.get(attribute.name)),
    ifindex: view.getInt32(4, true),
    linkType: view.getUint16(2, true),
    kind: readText(info.get(IFLA_INFO_KIND)),
    mtuBytes: readU32(found.get(attribute.mtu)) ?? 0,
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & IFF_RUNNING) !== 0,
    xdpProgram: xdp.get(xdpAttribute.mode)?.[0]
      ? (readU32(xdp.get(xdpAttribute.program)) ?? -1)
      : 0,
  };
}

/**
 * Why a device refuses an XDP program, in the kernel's own words, which only netlink hands out.
 * It tries the attachment once more that way, and takes it back at once should it succeed: this program, no other.
 */
export function xdpRefusal(ifindex: number, programFd: number, flags: number): string {
  const onlyWhenFree = 1; // XDP_FLAGS_UPDATE_IF_NOEXIST
  const onlyExpected = 16; // XDP_FLAGS_REPLACE
  using netlink = new Netlink();
  const body = new Uint8Array(16);
  body.set(u32(ifindex), 4);
  const set = (xdp: readonly Attribute[]) =>
    netlink.ask(RTM_SETLINK, body, [[attribute.xdp, xdp]], true);
  try {
    set([
      [xdpAttribute.fd, u32(programFd)],
      [xdpAttribute.flags, u32(flags | onlyWhenFree)],
    ]);
  } catch (error) {
    if (error instanceof NetlinkError) return error.said;
    throw error;
  }
  set([
    [xdpAttribute.fd, u32(-1)],
    [xdpAttribute.flags, u32(flags | onlyExpected)],
    [xdpAttribute.expectedFd, u32(programFd)],
  ]);
  return "";
}

export interface Route {
  readonly ifindex: number;
  /** The local address that packets get, in bytes. */
  readonly source: Uint8Array | undefined;
}

export interface RouteWishes {
  readonly source?: SocketAddress | undefined;
  readonly ifindex?: number | undefined;
}

/** The device on which packets to this address leave. Fails when there is no way, with its reason. */
export function routeTo(netlink: Netlink, to: SocketAddress, wishes: RouteWishes = {}): Route {
  const bytesOf = ({ family, bytes }: SocketAddress) =>
    family === AF_INET ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  const body = new Uint8Array(12); // struct rtmsg
  body[0] = to.family;
  body[1] = to.family === AF_INET ? 32 : 128;
  const zone = to.family === AF_INET ? 0 : new DataView(to.bytes.buffer).getUint32(24, true);
  const out = wishes.ifindex ?? zone;
  const attributes: Attribute[] = [[route.destination, bytesOf(to)]];
  if (wishes.source) {
    body[2] = body[1];
    attributes.push([route.source, bytesOf(wishes.source)]);
  }
  if (out > 0) attributes.push([route.outDevice, u32(out)]);
  let answer: Uint8Array;
  try {
    answer = netlink.ask(RTM_GETROUTE, body, attributes);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    throw new KomonError({
      what: `there is no route to ${to.host}`,
      why: error.said ? `${errnoWhy(error.errno)}: ${error.said}` : errnoWhy(error.errno),
      mend: `\`ip route get ${to.host}\` shows the same; is the interface up, does it have an address?`,
    });
  }
  const found = attributesOf(answer, 12);
  return {
    ifindex: readU32(found.get(route.outDevice)) ?? 0,
    // The kernel does not repeat the one that it was asked for.
    source: found.get(route.preferred) ?? (wishes.source && bytesOf(wishes.source)),
  };
}
