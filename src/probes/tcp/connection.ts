import { readU64 } from "../../kernel/counter.ts";
import { komonTcpConn, komonTcpFlag, komonTcpRole } from "../../kernel/generated/tcp.ts";
import { addressText } from "./address.ts";

/** Who runs a connection on this host. */
export interface Owner {
  /** 0 when unknown. */
  readonly pid: number;
  readonly comm: string;
  /** Id of its cgroup (version 2). */
  readonly cgroup: number;
}

/** Round-trip times of one connection, in nanoseconds; microseconds are the kernel's resolution. */
export interface RttSummary {
  readonly samples: number;
  readonly minNs: number;
  readonly meanNs: number;
  readonly maxNs: number;
  readonly lastNs: number;
  /** The kernel's smoothed round-trip time and mean deviation, as `ss -ti` shows them. */
  readonly srttNs: number;
  readonly mdevNs: number;
}

export interface TcpConnection {
  readonly cookie: number;
  readonly owner: Owner;
  readonly family: 4 | 6;
  readonly role: "client" | "server" | undefined;
  readonly laddr: string;
  readonly lport: number;
  readonly raddr: string;
  readonly rport: number;
  /** Inode number of the socket's network namespace. */
  readonly netns: number;
  /** CLOCK_MONOTONIC; undefined: before komon, or never. */
  readonly startNs: number | undefined;
  readonly establishedNs: number | undefined;
  readonly acceptedNs: number | undefined;
  readonly state: number;
  readonly watched: boolean;
  readonly closedBy: "here" | "there" | undefined;
  readonly rtt: RttSummary | undefined;
}

const { fields } = komonTcpConn;
const text = new TextDecoder();

/** Is there a complete connection at this place of the table? */
export function isTaken(view: DataView, at: number): boolean {
  return view.getUint8(at + fields.family.offset) !== 0;
}

export function connectionAt(view: DataView, at: number): TcpConnection {
  const u8 = (field: { offset: number }) => view.getUint8(at + field.offset);
  const u32 = (field: { offset: number }) => view.getUint32(at + field.offset, true);
  const u64 = (field: { offset: number }) => readU64(view, at + field.offset);
  const bytes = (field: { offset: number }) =>
    new Uint8Array(view.buffer, view.byteOffset + at + field.offset, 16);
  const flags = u8(fields.flags);
  const role = u8(fields.role);
  return {
    cookie: u64(fields.cookie),
    owner: { pid: u32(fields.pid), comm: commText(bytes(fields.comm)), cgroup: u64(fields.cgroup) },
    family: u8(fields.family) === 4 ? 4 : 6,
    role:
      role === komonTcpRole.KOMON_TCP_CLIENT
        ? "client"
        : role === komonTcpRole.KOMON_TCP_SERVER
          ? "server"
          : undefined,
    laddr: addressText(bytes(fields.laddr)),
    lport: view.getUint16(at + fields.lport.offset, true),
    raddr: addressText(bytes(fields.raddr)),
    rport: view.getUint16(at + fields.rport.offset, true),
    netns: u32(fields.netns),
    startNs: u64(fields.startNs) || undefined,
    establishedNs: u64(fields.establishedNs) || undefined,
    acceptedNs: u64(fields.acceptedNs) || undefined,
    state: u8(fields.state),
    watched: (flags & komonTcpFlag.KOMON_TCP_WATCHED) !== 0,
    closedBy:
      flags & komonTcpFlag.KOMON_TCP_CLOSED_HERE
        ? "here"
        : flags & komonTcpFlag.KOMON_TCP_CLOSED_THERE
          ? "there"
          : undefined,
    rtt: rttOf(u32, u64),
  };
}

/** A program's name as the kernel keeps it: at most 15 bytes, then a NUL. */
export function commText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return text.decode(bytes.slice(0, end < 0 ? bytes.length : end));
}

type Read = (field: { offset: number }) => number;

function rttOf(u32: Read, u64: Read): RttSummary | undefined {
  const samples = u32(fields.rttSamples);
  if (samples === 0) return undefined;
  return {
    samples,
    minNs: u32(fields.rttMinUs) * 1000,
    meanNs: (u64(fields.rttSumUs) / samples) * 1000,
    maxNs: u32(fields.rttMaxUs) * 1000,
    lastNs: u32(fields.rttLastUs) * 1000,
    srttNs: u32(fields.srtt) * 125, // µs * 8
    mdevNs: u32(fields.mdev) * 250, // µs * 4
  };
}
