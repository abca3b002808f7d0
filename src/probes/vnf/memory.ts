/** The probe's maps as JavaScript sees them: mapped once, read without system calls. */
import { readU64, writeU64 } from "../../kernel/counter.ts";
import {
  komonCounters,
  komonHeld,
  komonLimit,
  komonPacketState,
  komonQueue,
  komonQueued,
  komonThread,
  komonVnfControl,
  komonVnfFilter,
  komonVnfSampling,
} from "../../kernel/generated/vnf.ts";
import { type MappedValue, unmap } from "../../kernel/map.ts";
import { type Mappable, View } from "../view.ts";

export { HistogramMemory, type SpanHistogram } from "../histograms.ts";

export type CounterName = Exclude<keyof typeof komonCounters.fields, "pad">;
export type Counters = Record<CounterName, number>;

export interface VnfFilter {
  readonly inIfindex?: number;
  readonly outIfindex?: number;
  /** Inode number of the network namespace of the VNF's socket. */
  readonly netns?: number;
  /** Process that reads. */
  readonly pid?: number;
  /** Where in the cgroup2 hierarchy the reader is, or above it; the probe must be open for `cgroups`. */
  readonly cgroup?: { readonly id: number; readonly level: number };
}

/** What user space tells the programs: which ports, which packets, when to sample. */
export class Control extends View {
  watch(port: number, vnf: number, filter: VnfFilter): void {
    const base = komonVnfControl.fields.filter.offset + vnf * komonVnfFilter.size;
    const put = (field: { offset: number }, value: number | undefined) =>
      this.view.setUint32(base + field.offset, value ?? 0, true);
    put(komonVnfFilter.fields.inIfindex, filter.inIfindex);
    put(komonVnfFilter.fields.outIfindex, filter.outIfindex);
    put(komonVnfFilter.fields.netns, filter.netns);
    put(komonVnfFilter.fields.tgid, filter.pid);
    put(komonVnfFilter.fields.cgroupLevel, filter.cgroup?.level);
    writeU64(this.view, base + komonVnfFilter.fields.cgroup.offset, filter.cgroup?.id ?? 0);
    this.view.setUint8(komonVnfControl.fields.vnfOfPort.offset + port, vnf + 1);
  }

  unwatch(port: number): void {
    this.view.setUint8(komonVnfControl.fields.vnfOfPort.offset + port, 0);
  }

  /** Starts a sampled interval: records of the first `packets` matched that passed rx after `startNs`. */
  sample(vnf: number, interval: number, packets: number, startNs: number): void {
    const fields = komonVnfSampling.fields;
    const base = this.#sampling(vnf);
    writeU64(this.view, base + fields.wanted.offset, 0);
    writeU64(this.view, base + fields.startNs.offset, startNs);
    writeU64(this.view, base + fields.interval.offset, interval);
    writeU64(this.view, base + fields.taken.offset, 0);
    writeU64(this.view, base + fields.wanted.offset, packets);
  }

  /** Packets that the interval has taken so far; never more than it wanted. */
  taken(vnf: number): number {
    const base = this.#sampling(vnf);
    const taken = readU64(this.view, base + komonVnfSampling.fields.taken.offset);
    return Math.min(taken, readU64(this.view, base + komonVnfSampling.fields.wanted.offset));
  }

  /** Whose the entry of `threads` is; 0 = free. */
  threadId(index: number): number {
    return this.view.getUint32(komonVnfControl.fields.threadIds.offset + index * 4, true);
  }

  #sampling(vnf: number): number {
    return komonVnfControl.fields.sampling.offset + vnf * komonVnfSampling.size;
  }
}

/** Per CPU and VNF; read as the sum over the CPUs. */
export class CounterMemory extends View {
  constructor(
    map: Mappable,
    private readonly cpus: number,
    private readonly vnfs: number,
  ) {
    super(map);
  }

  read(vnf: number): Counters {
    const sum = {} as Counters;
    for (const [name, field] of Object.entries(komonCounters.fields)) {
      let value = 0;
      for (let cpu = 0; cpu < this.cpus; cpu++) {
        value += readU64(this.view, (cpu * this.vnfs + vnf) * komonCounters.size + field.offset);
      }
      sum[name as CounterName] = value;
    }
    return sum;
  }
}

/** How many packets wait in the ledger, and how many of them have waited longer than `expiryNs`. */
export interface InFlight {
  readonly young: number;
  readonly old: number;
}

/** A map whose values can be mapped one by one. */
interface MappableByValue {
  mapOne(index: number, bytes?: number): MappedValue;
}

/** Packets in the watched sockets' queues. All are 8 MiB: only those that a socket has are mapped whole. */
export class QueueMemory implements Disposable {
  readonly #map: MappableByValue;
  readonly #heads: readonly MappedValue[];
  readonly #queues = new Map<number, MappedValue>();
  readonly #mapped: DisposableStack;

  constructor(map: MappableByValue) {
    this.#map = map;
    using mapped = new DisposableStack();
    this.#heads = Array.from({ length: komonLimit.KOMON_QUEUES }, (_, q) =>
      mapped.adopt(map.mapOne(q, komonQueue.fields.packet.offset), ({ memory }) => unmap(memory)),
    );
    this.#mapped = mapped.move();
  }

  inFlight(vnf: number, nowNs: number, expiryNs: number): InFlight {
    const fields = komonQueued.fields;
    const packets = komonQueue.fields.packet.offset;
    let young = 0;
    let old = 0;
    for (const [q, head] of this.#heads.entries()) {
      if (readU64(head.view, komonQueue.fields.sk.offset) === 0) continue;
      const queue = this.#queues.get(q) ?? this.#map.mapOne(q);
      this.#queues.set(q, queue);
      const { view } = queue;
      for (let i = 0; i < komonLimit.KOMON_QUEUE_PACKETS; i++) {
        const packet = packets + i * komonQueued.size;
        const state = view.getUint32(packet + fields.state.offset, true);
        if (state !== komonPacketState.KOMON_QUEUED) continue;
        if (view.getUint32(packet + fields.vnf.offset, true) !== vnf) continue;
        const since = readU64(view, packet + fields.rxNs.offset);
        if (nowNs - since > expiryNs) old++;
        else young++;
      }
    }
    return { young, old };
  }

  [Symbol.dispose](): void {
    for (const { memory } of this.#queues.values()) unmap(memory);
    this.#queues.clear();
    this.#mapped[Symbol.dispose]();
  }
}

/** Packets that the VNF's threads have read and not sent. */
export class ThreadMemory extends View {
  constructor(
    map: Mappable,
    private readonly control: Control,
  ) {
    super(map);
  }

  inFlight(vnf: number, nowNs: number, expiryNs: number): InFlight {
    let young = 0;
    let old = 0;
    this.#held(vnf, komonPacketState.KOMON_READ, (held) => {
      const since = readU64(this.view, held + komonHeld.fields.readNs.offset);
      if (nowNs - since > expiryNs) old++;
      else young++;
    });
    return { young, old };
  }

  /**
   * Sampled packets that were sent and never came to a device, so that no record was written yet. The kernel writes
   * none of them any more: who takes the interval away, by an exchange on both sides, has the record.
   */
  awaitingTx(
    vnf: number,
    take: (held: DataView, offset: number, tid: number, interval: number) => void,
  ): void {
    const { interval } = komonHeld.fields;
    const words = new Int32Array(this.view.buffer, this.view.byteOffset);
    this.#held(vnf, komonPacketState.KOMON_SENT, (held, tid) => {
      if (this.view.getUint32(held + interval.offset, true) === 0) return;
      const was = Atomics.exchange(words, (held + interval.offset) / 4, 0);
      if (was !== 0) take(this.view, held, tid, was);
    });
  }

  #held(vnf: number, state: number, take: (offset: number, tid: number) => void): void {
    for (let t = 0; t < komonLimit.KOMON_THREADS; t++) {
      const base = t * komonThread.size;
      const tid = this.control.threadId(t);
      if (tid === 0) continue;
      for (let i = 0; i < komonLimit.KOMON_HELD; i++) {
        const held = base + komonThread.fields.held.offset + i * komonHeld.size;
        if (this.view.getUint32(held + komonHeld.fields.state.offset, true) !== state) continue;
        if (this.view.getUint32(held + komonHeld.fields.vnf.offset, true) !== vnf) continue;
        take(held, tid);
      }
    }
  }
}
