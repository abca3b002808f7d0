/**
 * The VNF probe: watches UDP packets enter a VNF's socket and leave it again, at five points.
 * Needs root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel with BTF.
 */
import { KomonError } from "../../base/errors.ts";
import { readU64, writeU64 } from "../../kernel/counter.ts";
import {
  komonCounters,
  komonDeadline,
  komonHeld,
  komonHistograms,
  komonQueue,
  komonSpan,
  komonThread,
  komonVnfControl,
  komonVnfOptions,
  komonLimit as limit,
} from "../../kernel/generated/vnf.ts";
import { kprobeMisses, type ProgramInfo } from "../../kernel/info.ts";
import { monotonicNs } from "../../kernel/libc.ts";
import { programsOver } from "../../kernel/link.ts";
import { possibleCpus } from "../../kernel/map.ts";
import { RingBuffer } from "../../kernel/ringbuf.ts";
import type { Point } from "../../model/points.ts";
import type { SpanRecords } from "../../model/records.ts";
import type { Span } from "../../model/spans.ts";
import { type Deadline, DeadlineMemory } from "../deadline.ts";
import { type CoverageDetail, coverageOf } from "./coverage.ts";
import type { Hook, Rung } from "./hooks.ts";
import { type Attached, climb, type Refusal } from "./ladder.ts";
import {
  Control,
  CounterMemory,
  HistogramMemory,
  QueueMemory,
  type SpanHistogram,
  ThreadMemory,
  type VnfFilter,
} from "./memory.ts";
import { appendSample, sequence } from "./samples.ts";
import type { Proof } from "./selftest.ts";

export interface VnfProbeOptions {
  readonly hooks?: Rung | "auto";
  /** VNFs (ports) that there is room for; default 1. */
  readonly vnfs?: number;
  /** Ring buffer for per-packet records, bytes; a power of two; default 4 MiB. */
  readonly ringBytes?: number;
  /** The window of the payload that tells packets apart. Default: 32 bytes from 0. */
  readonly digestOffset?: number;
  readonly digestBytes?: number;
  /** A packet in flight for longer counts as expired; default 1 s. */
  readonly expiryNs?: number;
  /** Packets whose span takes longer are counted, in the kernel; see {@link VnfProbe.deadline}. */
  readonly deadline?: { readonly span: "service" | "sojourn"; readonly ns: number };
  /** Filters may name a cgroup. Needs Linux 5.6. */
  readonly cgroups?: boolean;
}

const defaultRingBytes = 4 << 20;
const defaultExpiryNs = 1e9;

export class VnfProbe implements Disposable {
  readonly #attached: Attached;
  readonly #ring: RingBuffer;
  readonly #control: Control;
  readonly #counters: CounterMemory;
  readonly #histograms: HistogramMemory;
  readonly #queues: QueueMemory;
  readonly #threads: ThreadMemory;
  readonly #deadlines: DeadlineMemory;
  readonly #received: Float64Array;
  readonly #expiryNs: number;
  readonly #vnfs: number;
  readonly #opened: DisposableStack;
  #watched = 0;
  /** By link, once they are closed: the kernel forgets them with it. */
  #missesAtEnd: readonly number[] | undefined;

  private constructor(attached: Attached, vnfs: number, cpus: number, expiryNs: number) {
    using opened = new DisposableStack();
    const { object } = opened.use(attached);
    this.#attached = attached;
    this.#vnfs = vnfs;
    this.#expiryNs = expiryNs;
    const map = (name: string, bytes: number) => object.map(name).expectValues(bytes);
    const histograms = map("histograms", komonHistograms.size);
    this.#ring = opened.use(new RingBuffer(object.map("samples")));
    this.#control = opened.use(new Control(object.control(komonVnfControl.size)));
    this.#counters = opened.use(new CounterMemory(map("counters", komonCounters.size), cpus, vnfs));
    this.#histograms = opened.use(new HistogramMemory(histograms, cpus, vnfs));
    this.#queues = opened.use(new QueueMemory(map("queues", komonQueue.size)));
    this.#threads = opened.use(new ThreadMemory(map("threads", komonThread.size), this.#control));
    this.#deadlines = opened.use(new DeadlineMemory(map("deadlines", komonDeadline.size)));
    this.#opened = opened.move();
    this.#received = new Float64Array(vnfs);
  }

  /** Loads and attaches. Fails with a {@link KomonError} that says which point has no hook, and why. */
  static open(options: VnfProbeOptions = {}): VnfProbe {
    const vnfs = options.vnfs ?? 1;
    const cpus = possibleCpus();
    const attached = climb(options.hooks ?? "auto", (opened, chosen) => {
      const constants = new DataView(opened.initialValue(".rodata.options"));
      const fields = komonVnfOptions.fields;
      constants.setUint32(fields.vnfs.offset, vnfs, true);
      constants.setUint32(fields.txWatched.offset, chosen.has("tx") ? 1 : 0, true);
      const pairAtTx = canPairAtTx(chosen) && !options.digestOffset;
      constants.setUint32(fields.pairAtTx.offset, pairAtTx ? 1 : 0, true);
      constants.setUint32(fields.digestOffset.offset, options.digestOffset ?? 0, true);
      constants.setUint32(fields.digestBytes.offset, options.digestBytes ?? 32, true);
      constants.setUint32(fields.cgroupAsked.offset, options.cgroups ? 1 : 0, true);
      if (options.deadline) {
        const { KOMON_SERVICE, KOMON_SOJOURN } = komonSpan;
        const span = options.deadline.span === "service" ? KOMON_SERVICE : KOMON_SOJOURN;
        constants.setUint32(fields.deadlineSpan.offset, span, true);
        writeU64(constants, fields.deadlineNs.offset, options.deadline.ns);
      }
      opened.map("deadlines").setEntries(vnfs);
      opened.map("counters").setEntries(cpus * vnfs);
      opened.map("histograms").setEntries(cpus * vnfs);
      opened.map("samples").setEntries(options.ringBytes ?? defaultRingBytes);
    });
    return new VnfProbe(attached, vnfs, cpus, options.expiryNs ?? defaultExpiryNs);
  }

  /** The hook in use per point; a point without one is missing. */
  get hooks(): ReadonlyMap<Point, Hook> {
    return this.#attached.chosen;
  }

  /** Better hooks that this kernel refused, and why. */
  get refused(): readonly Refusal[] {
    return this.#attached.refused;
  }

  /** Whether the hooks have counted the packets that komon sent itself at {@link open}. */
  get proof(): Proof {
    return this.#attached.proof;
  }

  /** Begins to watch the VNF that reads from UDP port `port`; returns its number. */
  watch(port: number, filter: VnfFilter = {}): number {
    if (this.#watched === this.#vnfs || this.#vnfs > limit.KOMON_VNFS) {
      throw new KomonError({
        what: `cannot watch one more VNF on port ${port}`,
        why: `the probe was opened for ${this.#vnfs}, and ${limit.KOMON_VNFS} is the most`,
      });
    }
    const vnf = this.#watched++;
    this.#control.watch(port, vnf, filter);
    return vnf;
  }

  /** Asks for records of the next `packets` packets that come in and are given back. */
  sample(vnf: number, interval: number, packets: number): void {
    this.#control.sample(vnf, interval, packets, monotonicNs());
  }

  /** How many packets the running interval has taken. */
  taken(vnf: number): number {
    return this.#control.taken(vnf);
  }

  /** Moves all waiting records to `into`; returns how many. One look, no system call. */
  read(into: SpanRecords): number {
    const { data } = this.#ring;
    return this.#ring.read((at) => {
      const row = appendSample(data, at, into);
      this.#received[into.vnf[row]]++;
    });
  }

  /**
   * Takes the records that the kernel still holds because their packets were sent and never came to a device.
   * For the end of an interval, when nothing is sampled any more.
   */
  readUntransmitted(vnf: number, into: SpanRecords): number {
    const fields = komonHeld.fields;
    let count = 0;
    this.#threads.awaitingTx(vnf, (held, at, tid, interval) => {
      const u32 = (field: { offset: number }) => held.getUint32(at + field.offset, true);
      into.append(
        readU64(held, at + fields.nicNs.offset),
        readU64(held, at + fields.rxNs.offset),
        readU64(held, at + fields.readNs.offset),
        readU64(held, at + fields.sendNs.offset),
        0,
        tid,
        u32(fields.digest),
        interval,
        u32(fields.index) + 1,
        sequence(held, at + fields.head.offset, u32(fields.payloadBytes)),
        u32(fields.flags),
        vnf,
      );
      this.#received[vnf]++;
      count++;
    });
    return count;
  }

  /** One span of every packet since {@link open}, sampled or not. */
  histogram(vnf: number, span: Span): SpanHistogram {
    return this.#histograms.read(vnf, span);
  }

  /** What has become of the deadline that {@link open} was given, over all packets since. */
  deadline(vnf: number): Deadline {
    return this.#deadlines.read(vnf);
  }

  /** Packets matched so far, and system calls of the VNF's threads that were looked into. */
  activity(vnf: number): { matched: number; ownCalls: number } {
    const { matched, ownCalls } = this.#counters.read(vnf);
    return { matched, ownCalls };
  }

  /** Packets that wait in the VNF's sockets now. */
  queued(vnf: number): number {
    const { young, old } = this.#queues.inFlight(vnf, 0, 0);
    return young + old;
  }

  /**
   * Ends the watching; what was counted stays to be read, and moves no more. Packets that are on their way now are in
   * flight for good. Arrivals end first and departures last, so that few are.
   */
  detach(): void {
    if (this.#missesAtEnd) return;
    const { links } = this.#attached;
    this.#missesAtEnd = links.map(({ fd }) => kprobeMisses(fd));
    const names = this.#programNames();
    const inTurn = [...links.keys()].sort((a, b) => turnToEnd(names[a]) - turnToEnd(names[b]));
    for (const index of inTurn) links[index][Symbol.dispose]();
    programsOver();
  }

  /** Where every packet went. Exact when nothing moves; read all waiting records first. */
  coverage(vnf: number): CoverageDetail {
    const now = monotonicNs();
    const misses = [...this.programs().values()].reduce((sum, p) => sum + p.recursionMisses, 0);
    return coverageOf(
      this.#counters.read(vnf),
      this.#queues.inFlight(vnf, now, this.#expiryNs),
      this.#threads.inFlight(vnf, now, this.#expiryNs),
      this.#received[vnf],
      misses,
    );
  }

  /** The kernel's account of each program in use. */
  programs(): Map<string, ProgramInfo> {
    const { object, links } = this.#attached;
    const infos = new Map<string, ProgramInfo>();
    for (const [index, name] of this.#programNames().entries()) {
      const info = object.program(name).info();
      const missed = this.#missesAtEnd?.[index] ?? kprobeMisses(links[index].fd);
      infos.set(name, { ...info, recursionMisses: info.recursionMisses + missed });
    }
    return infos;
  }

  /** In the order of their links. */
  #programNames(): string[] {
    return [...this.hooks.values()].flatMap((hook) => hook.programs);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

/** Along a packet's way. What ends a system call goes after all that began in one: else it would seem to last. */
function turnToEnd(program: string): number {
  const turns = ["rx", "read", "send", "tx"];
  const turn = turns.findIndex((point) => program.startsWith(point));
  return program === "read_sys_exit" || turn < 0 ? turns.length : turn;
}

/**
 * Whether a send call is seen to begin and to return, and its packet at the device between: then the payload is looked
 * at there, in the kernel's memory, which costs a third of asking for it in the VNF's.
 */
function canPairAtTx(chosen: ReadonlyMap<Point, Hook>): boolean {
  const programs = new Set([...chosen.values()].flatMap((hook) => hook.programs));
  return chosen.has("tx") && programs.has("send_sys_enter") && programs.has("read_sys_exit");
}
