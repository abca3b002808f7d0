/**
 * The TCP probe: every connection of the host from its first moment to its last, who owns it, and one round-trip
 * time per acknowledgement. Needs root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, BTF, and Linux 5.15.
 */
import { readFileSync } from "node:fs";
import object from "../../../dist/bpf/x86/tcp.bpf.o" with { type: "file" };
import { KomonError } from "../../base/errors.ts";
import { openCgroupRoot } from "../../kernel/cgroup.ts";
import { readU64 } from "../../kernel/counter.ts";
import {
  komonTcpConn,
  komonTcpControl,
  komonTcpCounters,
  komonTcpFlag,
  komonTcpGroup,
  komonTcpRtts,
} from "../../kernel/generated/tcp.ts";
import type { ProgramInfo } from "../../kernel/info.ts";
import { runIterator } from "../../kernel/iterator.ts";
import { libc } from "../../kernel/libc.ts";
import type { BpfLink } from "../../kernel/link.ts";
import { type BpfMap, type MappedMemory, unmap } from "../../kernel/map.ts";
import { BpfObject } from "../../kernel/object.ts";
import { RingBuffer } from "../../kernel/ringbuf.ts";
import { connectionAt, isTaken, type TcpConnection } from "./connection.ts";
import { eventAt, type TcpEvent } from "./event.ts";
import { groupAt, type RttGroup } from "./groups.ts";
import { type TcpHook, tcpHooks } from "./hooks.ts";
import { groupsOf, slotsOf, type TcpProbeOptions, writeLists, writeOptions } from "./options.ts";
import { quantileBucket, withinBucket } from "./quantile.ts";

export type TcpCounters = Record<keyof typeof komonTcpCounters.fields, number>;

/** A connection that lives now. */
export interface Living {
  readonly connection: TcpConnection;
  readonly rttP50Ns: number | undefined;
  readonly rttP95Ns: number | undefined;
}

const nothing = new DataView(new ArrayBuffer(0));

export class TcpProbe implements Disposable {
  readonly #object: BpfObject;
  readonly #options: TcpProbeOptions;
  readonly #links: BpfLink[] = [];
  readonly #hooks: TcpHook[] = [];
  readonly #refused: { hook: TcpHook; why: string }[] = [];
  readonly #memory: MappedMemory[] = [];
  readonly #slots: number;
  #events: RingBuffer | undefined;
  #control: DataView = nothing;
  #conns: DataView = nothing;
  #rtts: DataView = nothing;
  #groups: DataView = nothing;
  #groupMemory: MappedMemory | undefined;

  private constructor(options: TcpProbeOptions) {
    this.#options = options;
    this.#slots = slotsOf(options);
    this.#object = BpfObject.open(readFileSync(object));
  }

  /**
   * Loads and attaches, then looks through the processes' open files for connections and listeners that are
   * older than the probe. Fails when the kernel refuses a hook that cannot be done without.
   */
  static open(options: TcpProbeOptions = {}): TcpProbe {
    const probe = new TcpProbe(options);
    try {
      probe.#load();
      probe.#attach();
      runIterator(probe.#object.program("older"));
      return probe;
    } catch (error) {
      probe[Symbol.dispose]();
      throw error;
    }
  }

  get hooks(): readonly TcpHook[] {
    return this.#hooks;
  }

  /** Hooks that this kernel refused, and why. */
  get refused(): readonly { readonly hook: TcpHook; readonly why: string }[] {
    return this.#refused;
  }

  /** Gives what has happened since the last call, in order; one look, no system call. */
  read(take: (event: TcpEvent) => void): number {
    const ring = this.#events as RingBuffer;
    return ring.read((at) => take(eventAt(ring.data, at)));
  }

  /** The connections that live now and pass the filter. */
  *connections(): Generator<Living> {
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = slot * komonTcpConn.size;
      if (!isTaken(this.#conns, at)) continue;
      const connection = connectionAt(this.#conns, at);
      if (!connection.watched) continue;
      const { rtt } = connection;
      const quantile = (q: number) =>
        rtt && withinBucket(quantileBucket(this.#rttView(), slot, rtt.samples, q), rtt);
      yield { connection, rttP50Ns: quantile(0.5), rttP95Ns: quantile(0.95) };
    }
  }

  /** How many connections live now and pass the filter; a look at one byte each. */
  countLiving(): Record<"client" | "server" | "unknown", number> {
    const counts = { client: 0, server: 0, unknown: 0 };
    const names = ["unknown", "client", "server"] as const;
    const { role, flags } = komonTcpConn.fields;
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = slot * komonTcpConn.size;
      if (!isTaken(this.#conns, at)) continue;
      if (!(this.#conns.getUint8(at + flags.offset) & komonTcpFlag.KOMON_TCP_WATCHED)) continue;
      counts[names[this.#conns.getUint8(at + role.offset)] ?? "unknown"]++;
    }
    return counts;
  }

  /** Round-trip times since the probe was opened, by what `groupBy` says. Groups without any are left out. */
  groups(): RttGroup[] {
    const naming = {
      grouping: this.#options.groupBy ?? "total",
      prefix4: this.#options.prefix4 ?? 24,
      prefix6: this.#options.prefix6 ?? 64,
    } as const;
    const view = this.#groupView();
    const groups: RttGroup[] = [];
    for (let index = 1; index * komonTcpGroup.size < view.byteLength; index++) {
      const group = groupAt(view, index, naming);
      if (group) groups.push(group);
    }
    const other = groupAt(view, 0, naming);
    return other ? [...groups, other] : groups;
  }

  counters(): TcpCounters {
    const base = komonTcpControl.fields.counters.offset;
    const entries = Object.entries(komonTcpCounters.fields).map(([name, { offset }]) => [
      name,
      readU64(this.#control, base + offset),
    ]);
    return Object.fromEntries(entries) as TcpCounters;
  }

  /** The kernel's account of each program in use. */
  programs(): Map<string, ProgramInfo> {
    return new Map(
      this.#hooks.map(({ program }) => [program, this.#object.program(program).info()]),
    );
  }

  [Symbol.dispose](): void {
    for (const link of this.#links.splice(0)) link[Symbol.dispose]();
    this.#events?.[Symbol.dispose]();
    this.#events = undefined;
    for (const memory of this.#memory.splice(0)) unmap(memory);
    if (this.#groupMemory) unmap(this.#groupMemory);
    this.#groupMemory = undefined;
    this.#object[Symbol.dispose]();
  }

  #load(): void {
    const groups = groupsOf(this.#options);
    const hooks = this.#wanted();
    this.#object.choose([...hooks.map(({ program }) => program), "older"]);
    writeOptions(
      new DataView(this.#object.initialValue(".rodata.options")),
      this.#options,
      this.#slots,
    );
    writeLists(
      new Uint8Array(this.#object.initialValue(".data.control")),
      this.#options.filter ?? {},
    );
    this.#object.map("conns").setEntries(this.#slots);
    this.#object.map("rtts").setEntries(this.#options.rtt ? this.#slots : 1);
    this.#object.map("groups").setEntries(groups);
    this.#object.map("group_index").setEntries(groups);
    this.#object.load();
    this.#events = new RingBuffer(this.#object.map("events"));
    this.#control = this.#mapped(this.#object.control(komonTcpControl.size), komonTcpControl.size);
    this.#conns = this.#mapped(
      this.#object.map("conns").expectValues(komonTcpConn.size),
      this.#slots * komonTcpConn.size,
    );
  }

  #wanted(): TcpHook[] {
    const { state, packet, destroyed, returned, ops } = tcpHooks;
    return [
      ...[state, destroyed],
      ...(this.#options.rtt ? [packet, ops] : []),
      ...(this.#options.returns === false ? [] : [returned]),
    ];
  }

  #attach(): void {
    for (const hook of this.#wanted()) {
      try {
        this.#links.push(this.#link(hook));
        this.#hooks.push(hook);
      } catch (error) {
        if (!hook.optional || !(error instanceof KomonError)) throw error;
        this.#refused.push({ hook, why: error.why ?? error.what });
      }
    }
  }

  #link(hook: TcpHook): BpfLink {
    const program = this.#object.program(hook.program);
    if (!hook.cgroup) return program.attach();
    const root = openCgroupRoot();
    try {
      return program.attachCgroup(root);
    } finally {
      libc.close(root);
    }
  }

  /** Only groups in use are mapped: every mapped page of a map counts as memory of this process. */
  #groupView(): DataView {
    const used = this.#control.getUint32(komonTcpControl.fields.groupsUsed.offset, true) + 1;
    const groups = Math.min(used, groupsOf(this.#options));
    if (groups * komonTcpGroup.size > this.#groups.byteLength) {
      const room = Math.min(groupsOf(this.#options), 2 ** Math.ceil(Math.log2(groups)));
      if (this.#groupMemory) unmap(this.#groupMemory);
      this.#groupMemory = this.#object.map("groups").expectValues(komonTcpGroup.size).map(room);
      this.#groups = new DataView(this.#groupMemory.buffer, 0, room * komonTcpGroup.size);
    }
    return this.#groups;
  }

  /** As many places as there are connections; mapped when first asked for. */
  #rttView(): DataView {
    if (this.#rtts.byteLength === 0)
      this.#rtts = this.#mapped(
        this.#object.map("rtts").expectValues(komonTcpRtts.size),
        this.#slots * komonTcpRtts.size,
      );
    return this.#rtts;
  }

  #mapped(map: BpfMap, bytes: number): DataView {
    const memory = map.map();
    this.#memory.push(memory);
    return new DataView(memory.buffer, 0, bytes);
  }
}
