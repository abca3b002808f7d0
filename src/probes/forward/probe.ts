/**
 * The forwarding probe: packets that come in at one device and go out at another without a process. Their one span is
 * `total`, nic → tx. Needs the same rights as the VNF probe; its hooks are tracepoints, which every kernel has.
 */
import { readFileSync } from "node:fs";
import whole from "../../../dist/bpf/x86/forward.bpf.o" with { type: "file" };
import noFetch from "../../../dist/bpf/x86/forward.nofetch.bpf.o" with { type: "file" };
import { readU64, writeU64 } from "../../kernel/counter.ts";
import { fetchingAtomics } from "../../kernel/features.ts";
import {
  komonDeadline,
  komonForwardCounters,
  komonForwardLimit,
  komonForwardOptions,
  komonHistograms,
  komonPassing,
} from "../../kernel/generated/forward.ts";
import type { ProgramInfo } from "../../kernel/info.ts";
import { monotonicNs } from "../../kernel/libc.ts";
import { type BpfLink, programsOver } from "../../kernel/link.ts";
import { possibleCpus } from "../../kernel/map.ts";
import { BpfObject } from "../../kernel/object.ts";
import { type Deadline, DeadlineMemory } from "../deadline.ts";
import { HistogramMemory, type SpanHistogram } from "../histograms.ts";
import { View } from "../view.ts";

export interface ForwardProbeOptions {
  /** Devices, by index; 0 or left out: any. */
  readonly inIfindex?: number;
  readonly outIfindex?: number;
  /** Inode number of the network namespace that both are in. */
  readonly netns: number;
  /** Packets that take longer from nic to tx are counted as misses. */
  readonly deadlineNs?: number;
}

/** `seen = matched + expired + collided + filtered + inFlight`, when nothing moves. */
export interface ForwardCoverage {
  readonly seen: number;
  readonly matched: number;
  /** Dropped by the stack, or never seen to go out: meant for this host itself, or held too long. */
  readonly expired: number;
  readonly dropped: number;
  readonly unsent: number;
  readonly collided: number;
  /** Went out at another device than the one asked for. */
  readonly filtered: number;
  readonly inFlight: number;
  /** Runs that the kernel left out because the program was active on that CPU: packets may have been missed. */
  readonly recursionMisses: number;
}

/** The exit first: who comes in must be seen to go out. */
const programs = ["forward_tx", "forward_drop", "forward_nic"] as const;

export class ForwardProbe implements Disposable {
  /** What users see: the kernel's names of the places. */
  static readonly hooks = { nic: "tp_btf/netif_receive_skb", tx: "tp_btf/net_dev_queue" } as const;
  readonly #histograms: HistogramMemory;
  readonly #deadlines: DeadlineMemory;
  readonly #memory: ForwardMemory;
  readonly #passing: PassingMemory;
  readonly #object: BpfObject;
  readonly #links: readonly BpfLink[];
  readonly #opened: DisposableStack;

  private constructor(options: ForwardProbeOptions) {
    using opened = new DisposableStack();
    const lacksFetch = fetchingAtomics.ask().is === "no";
    const object = opened.use(BpfObject.open(readFileSync(lacksFetch ? noFetch : whole)));
    const constants = new DataView(object.initialValue(".rodata.options"));
    const fields = komonForwardOptions.fields;
    constants.setUint32(fields.inIfindex.offset, options.inIfindex ?? 0, true);
    constants.setUint32(fields.outIfindex.offset, options.outIfindex ?? 0, true);
    constants.setUint32(fields.netns.offset, options.netns, true);
    writeU64(constants, fields.deadlineNs.offset, options.deadlineNs ?? 0);
    const cpus = possibleCpus();
    for (const name of ["counters", "histograms"]) object.map(name).setEntries(cpus);
    object.load();
    const map = (name: string, bytes: number) => object.map(name).expectValues(bytes);
    const histograms = map("histograms", komonHistograms.size);
    this.#histograms = opened.use(new HistogramMemory(histograms, cpus, 1));
    this.#deadlines = opened.use(new DeadlineMemory(map("deadlines", komonDeadline.size)));
    this.#memory = opened.use(new ForwardMemory(map("counters", komonForwardCounters.size)));
    this.#passing = opened.use(new PassingMemory(map("passing", komonPassing.size)));
    this.#links = programs.map((name) => opened.use(object.program(name).attach()));
    this.#object = object;
    this.#opened = opened.move();
  }

  static open(options: ForwardProbeOptions): ForwardProbe {
    return new ForwardProbe(options);
  }

  /**
   * Ends the watching; what was counted stays to be read, and moves no more. The entry first: who has come in may
   * yet be seen to go out.
   */
  detach(): void {
    for (const link of this.#links.toReversed()) link[Symbol.dispose]();
    programsOver();
  }

  /** Residence of every packet since {@link open}. */
  histogram(): SpanHistogram {
    return this.#histograms.read(0, "total");
  }

  /** The kernel's account of each program. */
  programs(): Map<string, ProgramInfo> {
    return new Map(programs.map((name) => [name, this.#object.program(name).info()]));
  }

  deadline(): Deadline {
    return this.#deadlines.read(0);
  }

  coverage(): ForwardCoverage {
    const { seen, matched, expired, dropped, collided, filtered } = this.#memory.read();
    const places = this.#passing.count(monotonicNs());
    const unsent = expired + places.old;
    return {
      seen,
      matched,
      expired: dropped + unsent,
      dropped,
      unsent,
      collided,
      filtered: filtered + places.elsewhere,
      inFlight: places.young,
      recursionMisses: this.programs()
        .values()
        .reduce((sum, one) => sum + one.recursionMisses, 0),
    };
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

type Counters = Record<keyof typeof komonForwardCounters.fields, number>;

class ForwardMemory extends View {
  read(): Counters {
    const names = Object.keys(komonForwardCounters.fields) as (keyof Counters)[];
    const sum = Object.fromEntries(names.map((name) => [name, 0])) as Counters;
    for (let base = 0; base < possibleCpus() * komonForwardCounters.size; ) {
      for (const name of names) {
        sum[name] += readU64(this.view, base + komonForwardCounters.fields[name].offset);
      }
      base += komonForwardCounters.size;
    }
    return sum;
  }
}

class PassingMemory extends View {
  count(nowNs: number) {
    const { skb, nicNs, elsewhere } = komonPassing.fields;
    const found = { young: 0, old: 0, elsewhere: 0 };
    for (let i = 0; i < komonForwardLimit.KOMON_PASSING; i++) {
      const base = i * komonPassing.size;
      if (readU64(this.view, base + skb.offset) === 0) continue;
      const age = nowNs - readU64(this.view, base + nicNs.offset);
      if (this.view.getUint32(base + elsewhere.offset, true) !== 0) found.elsewhere++;
      else if (age > komonForwardLimit.KOMON_PASSING_EXPIRY_NS) found.old++;
      else found.young++;
    }
    return found;
  }
}
