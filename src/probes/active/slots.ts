import { readU64 } from "../../kernel/counter.ts";
import {
  komonProbeControl,
  komonProbeCounters,
  komonProbeCpu,
  komonProbeSlot,
} from "../../kernel/generated/probe.ts";
import { type BpfMap, type MappedMemory, unmap } from "../../kernel/map.ts";

const slotWords = komonProbeSlot.size / 4;
const word = {
  tx: komonProbeSlot.fields.txNs.offset / 4,
  rx: komonProbeSlot.fields.rxNs.offset / 4,
  sequence: komonProbeSlot.fields.sequence.offset / 4,
  target: komonProbeSlot.fields.target.offset / 4,
  armed: komonProbeSlot.fields.armed.offset / 4,
  rest: komonProbeSlot.fields.ttl.offset / 4,
} as const;
const high = 0x1_0000_0000;

/** The probes in flight, shared with the programs. */
export class Slots implements Disposable {
  readonly count: number;
  readonly #memory: MappedMemory;
  readonly #words: Uint32Array;

  constructor(map: BpfMap) {
    this.count = map.entries;
    this.#memory = map.map();
    this.#words = new Uint32Array(this.#memory.buffer);
  }

  /** Before the probe leaves. */
  arm(sequence: number, target: number): void {
    const at = (sequence & (this.count - 1)) * slotWords;
    const words = this.#words;
    words[at + word.armed] = 0;
    words[at + word.tx] = 0;
    words[at + word.tx + 1] = 0;
    words[at + word.rx] = 0;
    words[at + word.rx + 1] = 0;
    words[at + word.rest] = 0;
    words[at + word.sequence] = sequence;
    words[at + word.target] = target;
    words[at + word.armed] = 1;
  }

  disarm(sequence: number): void {
    this.#words[(sequence & (this.count - 1)) * slotWords + word.armed] = 0;
  }

  txNs(sequence: number): number {
    return this.#time((sequence & (this.count - 1)) * slotWords + word.tx);
  }

  rxNs(sequence: number): number {
    return this.#time((sequence & (this.count - 1)) * slotWords + word.rx);
  }

  ttl(sequence: number): number {
    return this.#words[(sequence & (this.count - 1)) * slotWords + word.rest] & 0xff;
  }

  #time(at: number): number {
    return this.#words[at] + this.#words[at + 1] * high;
  }

  [Symbol.dispose](): void {
    unmap(this.#memory);
  }
}

export type ProbeCounters = Readonly<Record<keyof typeof komonProbeCounters.fields, number>>;

/** What the programs count, per CPU, and what they are told. */
export class ProbeMemory implements Disposable {
  /** The values of the map `cpus`. */
  readonly cpus: MappedMemory;
  readonly #control: MappedMemory;
  readonly #mapped: DisposableStack;
  readonly #controlView: DataView;
  readonly #count: number;

  constructor(cpus: BpfMap, control: BpfMap) {
    this.#count = cpus.entries;
    using mapped = new DisposableStack();
    this.cpus = mapped.adopt(cpus.map(), unmap);
    this.#control = mapped.adopt(control.map(), unmap);
    this.#mapped = mapped.move();
    this.#controlView = new DataView(this.#control.buffer);
  }

  announce(next: number, sent: number): void {
    const { fields } = komonProbeControl;
    this.#controlView.setUint32(fields.nextSequence.offset, next >>> 0, true);
    this.#controlView.setUint32(fields.sent.offset, Math.min(sent, 2 ** 31), true);
  }

  /** CLOCK_REALTIME − CLOCK_MONOTONIC, for the far end's stamps. */
  setClock(offsetNs: bigint): void {
    const { clockOffsetNs } = komonProbeControl.fields;
    this.#controlView.setBigInt64(clockOffsetNs.offset, offsetNs, true);
  }

  read(): ProbeCounters {
    const view = new DataView(this.cpus.buffer, komonProbeCpu.fields.counters.offset);
    const sums = {} as Record<keyof typeof komonProbeCounters.fields, number>;
    for (const [name, { offset }] of Object.entries(komonProbeCounters.fields)) {
      let sum = 0;
      for (let cpu = 0; cpu < this.#count; cpu++) {
        sum += readU64(view, cpu * komonProbeCpu.size + offset);
      }
      sums[name as keyof typeof sums] = sum;
    }
    return sums;
  }

  [Symbol.dispose](): void {
    this.#mapped[Symbol.dispose]();
  }
}
