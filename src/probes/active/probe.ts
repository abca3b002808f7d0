/**
 * Active probing's kernel side: stamps probes where they leave, stamps and drops their answers where they come in.
 * Needs root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel with BTF. All attachments end with the process.
 */
import { readFileSync } from "node:fs";
import object from "../../../dist/bpf/x86/probe.bpf.o" with { type: "file" };
import { KomonError } from "../../base/errors.ts";
import { realtimeOffsetNs } from "../../kernel/clockOffset.ts";
import type { Device } from "../../kernel/device.ts";
import {
  komonAnswerFlag,
  komonProbeAnswer,
  komonProbeControl,
  komonProbeCpu,
  komonProbeFar,
  komonProbeKind,
  komonProbeOptions,
  komonProbeSlot,
} from "../../kernel/generated/probe.ts";
import { attachTcx, type DeviceLink } from "../../kernel/hook.ts";
import type { ProgramInfo } from "../../kernel/info.ts";
import type { BpfLink } from "../../kernel/link.ts";
import { possibleCpus, unmap } from "../../kernel/map.ts";
import { BpfObject, LoadError } from "../../kernel/object.ts";
import { AnswerLog, logRoom } from "./log.ts";
import { attachRx, type RungWish, type RxAttachment } from "./rungs.ts";
import { type ProbeCounters, ProbeMemory, Slots } from "./slots.ts";

export type ProbeKind = "icmp" | "udp" | "tcp";

export interface ActiveProbeOptions {
  readonly kind: ProbeKind;
  /** 64 random bits that mark this run's packets. */
  readonly cookie: bigint;
  /** Probes in flight at most; a power of two. */
  readonly slots: number;
  readonly drop: boolean;
  readonly hooks: RungWish;
  /** Lengths of a whole probe from its IP header on. */
  readonly bytes4: number;
  readonly bytes6: number;
  readonly headOffset?: number;
  readonly isnBase?: number;
  /** UDP and TCP source port. */
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly reflected?: boolean;
}

/** `device`: where the driver gets it; `tc`: before the queueing discipline. */
export type TxRung = "device" | "tc";

/** An answer as {@link ActiveProbe.read} hands it out: one object, filled anew for each. */
export interface Answer {
  txNs: number;
  rxNs: number;
  /** The far end's stamps as if its wall clock were ours; below zero when it lies far behind. */
  farReceiveNs: number;
  farSendNs: number;
  sequence: number;
  target: number;
  /** komonAnswerKind */
  kind: number;
  ttl: number;
  isCopy: boolean;
  isReflected: boolean;
}

/** Room for an Ethernet header with VLAN tags. */
const linkBytes = 32;
/** An ICMP error quotes the packet that it is about, up to IPv6's least MTU; a SYN-ACK has more options than a SYN. */
const quoteBytes = { icmp: 0, udp: 1280, tcp: 120 } as const;

const kinds = {
  icmp: komonProbeKind.KOMON_PROBE_ICMP,
  udp: komonProbeKind.KOMON_PROBE_UDP,
  tcp: komonProbeKind.KOMON_PROBE_TCP,
} as const;

const answerWords = komonProbeAnswer.size / 4;
/** Where its fields begin; `rest` are kind, TTL and flags. */
const word = {
  tx: komonProbeAnswer.fields.txNs.offset / 4,
  rx: komonProbeAnswer.fields.rxNs.offset / 4,
  sequence: komonProbeAnswer.fields.sequence.offset / 4,
  target: komonProbeAnswer.fields.target.offset / 4,
  rest: komonProbeAnswer.fields.kind.offset / 4,
} as const;
const high = 0x1_0000_0000;

export class ActiveProbe implements Disposable {
  readonly slots: Slots;
  /** Answers that {@link read} has handed out. */
  taken = 0;
  readonly #object: BpfObject;
  readonly #xdp: string;
  readonly #options: ActiveProbeOptions;
  readonly #memory: ProbeMemory;
  readonly #log: AnswerLog;
  readonly #far: BigInt64Array;
  readonly #opened: DisposableStack;
  readonly #attached: RxAttachment[] = [];
  readonly #txLinks: (BpfLink | DeviceLink)[] = [];
  #tx: TxRung | undefined;
  #arrivalLink: BpfLink | undefined;
  readonly #answer: Answer = {
    ...{ txNs: 0, rxNs: 0, farReceiveNs: 0, farSendNs: 0, sequence: 0, target: 0 },
    ...{ kind: 0, ttl: 0, isCopy: false, isReflected: false },
  };

  private constructor(opened: BpfObject, xdp: string, options: ActiveProbeOptions) {
    using parts = new DisposableStack();
    this.#object = parts.use(opened);
    this.#xdp = xdp;
    this.#options = options;
    const map = (name: string, bytes: number) => opened.map(name).expectValues(bytes);
    this.slots = parts.use(new Slots(map("slots", komonProbeSlot.size)));
    const cpus = map("cpus", komonProbeCpu.size);
    this.#memory = parts.use(new ProbeMemory(cpus, opened.control(komonProbeControl.size)));
    const mapped = (name: string, bytes: number) =>
      parts.adopt(map(name, bytes).map(), unmap).buffer;
    this.#far = new BigInt64Array(mapped("far_stamps", komonProbeFar.size));
    const answers = mapped("answers", komonProbeAnswer.size);
    const room = logRoom(options.slots, cpus.entries);
    this.#log = new AnswerLog(this.#memory.cpus.buffer, answers, cpus.entries, room);
    this.#opened = parts.move();
  }

  /** Loads the programs; nothing is attached yet. */
  static open(options: ActiveProbeOptions): ActiveProbe {
    try {
      return ActiveProbe.#load(options, "rx_xdp_frags");
    } catch (error) {
      if (!(error instanceof LoadError) || error.program !== "rx_xdp_frags") throw error;
      return ActiveProbe.#load(options, "rx_xdp"); // before 5.18
    }
  }

  static #load(options: ActiveProbeOptions, xdp: string): ActiveProbe {
    const opened = BpfObject.open(readFileSync(object));
    try {
      opened.choose([xdp, "rx_tc", "rx_arrival", "tx_device", "tx_tc"]);
      const cpus = possibleCpus();
      const room = logRoom(options.slots, cpus);
      writeOptions(new DataView(opened.initialValue(".rodata.options")), options, room);
      opened.map("slots").setEntries(options.slots);
      opened.map("cpus").setEntries(cpus);
      opened.map("answers").setEntries(cpus * room);
      if (options.reflected) opened.map("far_stamps").setEntries(cpus * room);
      opened.load();
      return new ActiveProbe(opened, xdp, options);
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  }

  /** Descriptors of the loaded programs, for test runs. */
  programFd(name: "xdp" | "rx_tc" | "tx_tc"): number {
    return this.#object.program(name === "xdp" ? this.#xdp : name).fd;
  }

  /** Begins to take answers at a device, and to stamp what leaves there. */
  attach(device: Device): RxAttachment {
    const programs = { xdp: this.programFd("xdp"), tc: this.programFd("rx_tc") };
    this.#attachTx(device);
    const attachment = attachRx(programs, device, this.#options.hooks);
    this.#attached.push(attachment);
    if (attachment.rung === "tc") this.#attachArrival();
    return attachment;
  }

  get attached(): readonly RxAttachment[] {
    return this.#attached;
  }

  /** Where probes are stamped; undefined before the first {@link attach}. */
  get txRung(): TxRung | undefined {
    return this.#tx;
  }

  /** Without it, tc stamps answers when it is its turn. */
  #attachArrival(): void {
    if (this.#arrivalLink) return;
    try {
      this.#arrivalLink = this.#object.program("rx_arrival").attach();
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
    }
  }

  /** The tracepoint sees all devices at once; tc needs a program on each. */
  #attachTx(device: Device): void {
    if (this.#tx === "device") return;
    if (this.#tx === undefined) {
      try {
        this.#txLinks.push(this.#object.program("tx_device").attach());
        this.#tx = "device";
        return;
      } catch (error) {
        if (!(error instanceof KomonError)) throw error;
      }
    }
    this.#txLinks.push(attachTcx(this.programFd("tx_tc"), device, "egress"));
    this.#tx = "tc";
  }

  /** Tells the programs which numbers have been used: the next one, and how many there were. */
  announce(next: number, sent: number): void {
    this.#memory.announce(next, sent);
  }

  /** The far end's stamps are wall-clock time: call this about once a second when they are wanted. */
  setClock(): void {
    this.#memory.setClock(realtimeOffsetNs());
  }

  /** Hands out all waiting answers in order of arrival. No system call. The object is reused. */
  read(take: (answer: Answer) => void): number {
    this.#take = take;
    const answers = this.#log.read(this.#decode);
    this.taken += answers;
    return answers;
  }

  #take: (answer: Answer) => void = () => {};

  readonly #decode = (index: number): void => {
    const { words } = this.#log;
    const at = index * answerWords;
    const answer = this.#answer;
    answer.txNs = words[at + word.tx] + words[at + word.tx + 1] * high;
    answer.rxNs = words[at + word.rx] + words[at + word.rx + 1] * high;
    answer.sequence = words[at + word.sequence];
    answer.target = words[at + word.target];
    const rest = words[at + word.rest];
    answer.kind = rest & 0xff;
    answer.ttl = (rest >>> 8) & 0xff;
    const flags = (rest >>> 16) & 0xff;
    answer.isCopy = (flags & komonAnswerFlag.KOMON_ANSWER_COPY) !== 0;
    answer.isReflected = (flags & komonAnswerFlag.KOMON_ANSWER_REFLECTED) !== 0;
    answer.farReceiveNs = answer.isReflected ? Number(this.#far[2 * index]) : 0;
    answer.farSendNs = answer.isReflected ? Number(this.#far[2 * index + 1]) : 0;
    this.#take(answer);
  };

  /** The kernel's account of each program that is attached. */
  programs(): Map<string, ProgramInfo> {
    const names = new Set(this.#attached.map(({ rung }) => (rung === "tc" ? "rx_tc" : this.#xdp)));
    if (this.#tx) names.add(this.#tx === "tc" ? "tx_tc" : "tx_device");
    if (this.#arrivalLink) names.add("rx_arrival");
    return new Map(Array.from(names, (name) => [name, this.#object.program(name).info()]));
  }

  counters(): ProbeCounters {
    return this.#memory.read();
  }

  [Symbol.dispose](): void {
    for (const { link } of this.#attached) link[Symbol.dispose]();
    for (const link of this.#txLinks) link[Symbol.dispose]();
    this.#arrivalLink?.[Symbol.dispose]();
    this.#opened[Symbol.dispose]();
  }
}

function writeOptions(view: DataView, options: ActiveProbeOptions, logRoom: number): void {
  const fields = komonProbeOptions.fields;
  view.setBigUint64(fields.cookie.offset, options.cookie, true);
  const numbers = {
    slotMask: options.slots - 1,
    drop: options.drop ? 1 : 0,
    kind: kinds[options.kind],
    headOffset: options.headOffset ?? 0,
    bytes4: options.bytes4,
    bytes6: options.bytes6,
    isnBase: options.isnBase ?? 0,
    reflected: options.reflected ? 1 : 0,
    mostBytes: linkBytes + Math.max(options.bytes4, options.bytes6, quoteBytes[options.kind]),
    logMask: logRoom - 1,
  } as const;
  for (const [name, value] of Object.entries(numbers)) {
    view.setUint32(fields[name as keyof typeof numbers].offset, value, true);
  }
  view.setUint16(fields.localPort.offset, options.localPort ?? 0, true);
  view.setUint16(fields.remotePort.offset, options.remotePort ?? 0, true);
}
