/** What probes look like on the wire, as bytes that a batch fills in. */
import { AF_INET, type SocketAddress } from "../kernel/address.ts";

export type Kind = "icmp" | "udp" | "tcp";

/** struct komon_probe_head: cookie, sequence, target. */
export const headBytes = 16;
/** RFC 8762: a STAMP test packet, and the extra-padding TLV's head (RFC 8972) before ours. */
export const stampBytes = 44;
const stampTlvBytes = 4;
const icmpHeaderBytes = 8;
const tcpHeaderBytes = 24; // with the MSS option
const reflectMagic = 0x4b4d4f4e;

export interface WireOptions {
  readonly kind: Kind;
  readonly cookie: bigint;
  /** ICMP and UDP payload. */
  readonly payloadBytes: number;
  readonly identifier: number;
  readonly remotePort: number;
  readonly isnBase: number;
  /** The far end is asked for its stamps. */
  readonly reflected: boolean;
}

/** Offset of the head in the payload: STAMP comes first in UDP, since reflectors expect it there. */
export function headOffset({ kind, reflected }: Pick<WireOptions, "kind" | "reflected">): number {
  return kind === "udp" && reflected ? stampBytes + stampTlvBytes : 0;
}

/** The smallest payload that has room for what the probe carries. */
export function leastPayloadBytes(wire: Pick<WireOptions, "kind" | "reflected">): number {
  if (wire.kind === "tcp") return 0;
  if (wire.kind === "udp") return headOffset(wire) + headBytes;
  return headBytes + (wire.reflected ? 4 + stampBytes : 0);
}

/** Length from the IP header on. */
export function packetBytes(wire: WireOptions, family: SocketAddress["family"]): number {
  const ip = family === AF_INET ? 20 : 40;
  if (wire.kind === "tcp") return ip + tcpHeaderBytes;
  return ip + icmpHeaderBytes + wire.payloadBytes; // UDP's header is as long
}

/** What is handed to the socket, with all that does not change from probe to probe. */
export function template(wire: WireOptions, family: SocketAddress["family"]): Uint8Array {
  if (wire.kind === "tcp") return tcpTemplate(wire);
  const header = wire.kind === "icmp" ? icmpHeaderBytes : 0; // the UDP socket writes its own
  const bytes = new Uint8Array(header + wire.payloadBytes);
  const view = new DataView(bytes.buffer);
  for (let at = header; at < bytes.length; at++) bytes[at] = 0x6b;
  if (wire.kind === "icmp") {
    bytes[0] = family === AF_INET ? 8 : 128;
    bytes.fill(0, 1, 8);
    view.setUint16(4, wire.identifier);
  }
  const head = header + headOffset(wire);
  if (wire.reflected) {
    const stamp = wire.kind === "icmp" ? head + headBytes + 4 : header;
    bytes.fill(0, stamp, stamp + stampBytes);
    view.setUint16(stamp + 12, 0x4001); // error estimate: PTP format, multiplier 1
    if (wire.kind === "icmp") view.setUint32(head + headBytes, reflectMagic);
    else view.setUint32(stampBytes, 0x0001_0000 | (wire.payloadBytes - stampBytes - 4)); // TLV
  }
  view.setBigUint64(head, wire.cookie, true);
  bytes.fill(0, head + 8, head + headBytes);
  return bytes;
}

function tcpTemplate({ identifier, remotePort }: WireOptions): Uint8Array {
  const bytes = new Uint8Array(tcpHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, identifier);
  view.setUint16(2, remotePort);
  bytes[12] = (tcpHeaderBytes / 4) << 4;
  bytes[13] = 0x02; // SYN
  view.setUint16(14, 64_240); // window
  view.setUint32(20, 0x0204_05b4); // MSS 1460
  return bytes;
}

/** The ones' complement sum of 16-bit words (RFC 1071), in the byte order of this machine. */
export function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes[at] | (bytes[at + 1] << 8);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1];
  return fold(sum);
}

export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

export function swap32(value: number): number {
  return (swap16(value) * 0x10000 + swap16(value >>> 16)) >>> 0;
}
