import { KomonError } from "../../base/errors.ts";
import { writeU64 } from "../../kernel/counter.ts";
import { komonTcpControl, komonTcpGroupBy, komonTcpOptions } from "../../kernel/generated/tcp.ts";
import { addressBytes } from "./address.ts";

/** What connections' round-trip times are put together by. */
export const groupings = ["total", "laddr", "raddr", "subnet", "process", "comm"] as const;
export type Grouping = (typeof groupings)[number];

const groupCodes: Readonly<Record<Grouping, number>> = {
  total: komonTcpGroupBy.KOMON_TCP_BY_NOTHING,
  laddr: komonTcpGroupBy.KOMON_TCP_BY_LOCAL,
  raddr: komonTcpGroupBy.KOMON_TCP_BY_REMOTE,
  subnet: komonTcpGroupBy.KOMON_TCP_BY_SUBNET,
  process: komonTcpGroupBy.KOMON_TCP_BY_PROCESS,
  comm: komonTcpGroupBy.KOMON_TCP_BY_COMM,
};

/** Which connections count; what is left out is any. Judged in the kernel, when the owner is known. */
export interface TcpFilter {
  readonly family?: 4 | 6;
  readonly localPorts?: readonly number[];
  readonly remotePorts?: readonly number[];
  readonly laddr?: string;
  readonly raddr?: string;
  /** At most 16. */
  readonly pids?: readonly number[];
  /** Inode number of a network namespace. */
  readonly netns?: number;
  /** A cgroup of version 2 and its descendants: its id, and its depth below the root. */
  readonly cgroup?: { readonly id: number; readonly level: number };
}

export interface TcpProbeOptions {
  readonly filter?: TcpFilter;
  /** Take round-trip times, one per acknowledgement. */
  readonly rtt?: boolean;
  readonly groupBy?: Grouping;
  /** Groups before the rest shares one called `other`; default 1000. */
  readonly groups?: number;
  /** Bits of a subnet; default 24 and 64. */
  readonly prefix4?: number;
  readonly prefix6?: number;
  /** Connections tracked at once; rounded up to a power of two; default 8192. */
  readonly connections?: number;
  /**
   * Look at the end of accept and connect: who owns a server's connection, and how long a client waited.
   * Costs every system call of the host a look. Default true.
   */
  readonly returns?: boolean;
  /** Which events are wanted; default all. */
  readonly events?: readonly ("connected" | "failed" | "accepted" | "closed")[];
}

const eventBits = { connected: 1, failed: 2, accepted: 3, closed: 4 } as const;
const maxPids = 16;

/** Writes the constants that the programs are loaded with. */
export function writeOptions(view: DataView, options: TcpProbeOptions, slots: number): void {
  const f = komonTcpOptions.fields;
  const filter = options.filter ?? {};
  const u32 = (field: { offset: number }, value: number | undefined) =>
    view.setUint32(field.offset, value ?? 0, true);
  const events = options.events ?? (Object.keys(eventBits) as (keyof typeof eventBits)[]);
  u32(f.slots, slots);
  u32(f.groups, groupsOf(options));
  u32(f.groupBy, groupCodes[options.groupBy ?? "total"]);
  u32(f.prefix4, options.prefix4 ?? 24);
  u32(f.prefix6, options.prefix6 ?? 64);
  u32(
    f.events,
    events.reduce((mask, event) => mask | (1 << eventBits[event]), 0),
  );
  u32(f.rtt, options.rtt ? 1 : 0);
  u32(f.family, filter.family);
  u32(f.netns, filter.netns);
  u32(f.byLocalPort, filter.localPorts ? 1 : 0);
  u32(f.byRemotePort, filter.remotePorts ? 1 : 0);
  u32(f.byPid, filter.pids ? 1 : 0);
  writeU64(view, f.cgroup.offset, filter.cgroup?.id ?? 0);
  u32(f.cgroupLevel, filter.cgroup?.level);
  u32(f.byLaddr, filter.laddr ? 1 : 0);
  u32(f.byRaddr, filter.raddr ? 1 : 0);
  u32(f.returns, options.returns === false ? 0 : 1);
  const bytes = new Uint8Array(view.buffer);
  if (filter.laddr) bytes.set(addressBytes(filter.laddr), f.laddr.offset);
  if (filter.raddr) bytes.set(addressBytes(filter.raddr), f.raddr.offset);
}

/** Writes the lists that the programs look up; before load, so that no connection slips through. */
export function writeLists(bytes: Uint8Array, filter: TcpFilter): void {
  const { ports, pids } = komonTcpControl.fields;
  for (const port of filter.localPorts ?? []) bytes[ports.offset + port] |= 1;
  for (const port of filter.remotePorts ?? []) bytes[ports.offset + port] |= 2;
  const list = filter.pids ?? [];
  if (list.length > maxPids) {
    throw new KomonError({
      what: `cannot watch ${list.length} processes`,
      why: `${maxPids} are the most`,
      mend: "choose them by --cgroup or by port instead",
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [at, pid] of list.entries()) view.setUint32(pids.offset + 4 * at, pid, true);
}

/** With the one for `other`. */
export function groupsOf(options: TcpProbeOptions): number {
  return (options.groupBy ?? "total") === "total" ? 1 : (options.groups ?? 1000) + 1;
}

/** A power of two. */
export function slotsOf(options: TcpProbeOptions): number {
  return 2 ** Math.ceil(Math.log2(Math.max(64, options.connections ?? 8192)));
}
