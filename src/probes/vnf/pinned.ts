/**
 * The VNF probe with its programs, maps and links pinned: it measures with no process. Only rx, read and send are
 * watched; the results of the first packets since `start` are what 2019's module kept.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import vnfinfoObject from "../../../dist/bpf/x86/vnfinfo.bpf.o" with { type: "file" };
import {
  komonCounters,
  komonQueue,
  komonThread,
  komonVnfControl,
  komonVnfOptions,
} from "../../kernel/generated/vnf.ts";
import { komonMadeBy, komonVnfinfo } from "../../kernel/generated/vnfinfo.ts";
import { monotonicNs, pageBytes } from "../../kernel/libc.ts";
import type { BpfLink } from "../../kernel/link.ts";
import { possibleCpus } from "../../kernel/map.ts";
import { BpfObject } from "../../kernel/object.ts";
import { PinnedMap } from "../../kernel/pins.ts";
import type { Point } from "../../model/points.ts";
import { type CoverageDetail, coverageOf } from "./coverage.ts";
import type { Hook, Rung } from "./hooks.ts";
import { type Attached, climb, type Refusal } from "./ladder.ts";
import { Control, CounterMemory, QueueMemory, ThreadMemory, type VnfFilter } from "./memory.ts";
import { vnfObject } from "./object.ts";
import { Vnfinfo } from "./vnfinfo.ts";

export interface PinOptions {
  readonly port: number;
  /** Results that there is room for. */
  readonly cbsize: number;
  /** Above 0 each result is printed to the kernel's trace pipe, too. */
  readonly debug: number;
  readonly hooks: Rung | "auto";
  readonly filter: VnfFilter;
}

const expiryNs = 1e9;

/** The pin that people read. It is made last: where it is, the rest is whole. */
export const textPin = "vnfinfo_udp";
/** The pin that says who made the others. */
const madeByPin = "made_by";

const sharedMaps = ["vnfinfo", "results"] as const;
const readMaps = ["counters", "queues", "threads"] as const;

/** Names this build's programs and layouts: pins of another build must not be read with these. */
export function abi(): string {
  const hash = createHash("sha256");
  for (const bytes of [vnfObject(), readFileSync(vnfinfoObject)]) hash.update(bytes);
  return hash.digest("hex").slice(0, 12);
}

/** A probe that measures already and has no pins yet: without them it ends with the process. */
export class PinnableProbe implements Disposable {
  readonly #attached: Attached;
  readonly #printer: BpfObject;
  readonly #text: BpfLink;
  readonly #opened: DisposableStack;
  #pinned = false;

  private constructor(
    attached: Attached,
    printer: BpfObject,
    text: BpfLink,
    opened: DisposableStack,
  ) {
    this.#attached = attached;
    this.#printer = printer;
    this.#text = text;
    this.#opened = opened;
  }

  static open(options: PinOptions): PinnableProbe {
    const attached = climb(
      options.hooks,
      (object) => {
        const constants = new DataView(object.initialValue(".rodata.options"));
        const fields = komonVnfOptions.fields;
        constants.setUint32(fields.txWatched.offset, 0, true);
        constants.setUint32(fields.vnfinfo.offset, 1, true);
        constants.setUint32(fields.cgroupAsked.offset, options.filter.cgroup ? 1 : 0, true);
        object.map("counters").setEntries(possibleCpus());
        object.map("histograms").setEntries(possibleCpus());
        object.map("samples").setEntries(pageBytes()); // as small as can be;
        object.map("results").setEntries(options.cbsize);
      },
      ["rx", "read", "send"],
    );
    using opened = new DisposableStack();
    const { object } = opened.use(attached);
    using state = new Vnfinfo(object.map("vnfinfo").expectValues(komonVnfinfo.size));
    state.initialise(options.cbsize, options.debug);
    const printer = opened.use(BpfObject.open(readFileSync(vnfinfoObject)));
    for (const name of sharedMaps) printer.map(name).reuse(object.map(name));
    printer.load();
    const text = opened.use(printer.program(textPin).attachIterator(object.map("results")));
    using control = new Control(object.control(komonVnfControl.size));
    control.watch(options.port, 0, options.filter);
    return new PinnableProbe(attached, printer, text, opened.move());
  }

  get hooks(): ReadonlyMap<Point, Hook> {
    return this.#attached.chosen;
  }

  get refused(): readonly Refusal[] {
    return this.#attached.refused;
  }

  /** Names of the pins that {@link pin} makes, in their order. */
  get pins(): readonly string[] {
    return [...this.#pins().keys()];
  }

  /** Pins everything below a folder of a BPF file system. `madeBy` is the text that says by whom. */
  pin(folder: string, madeBy: string): void {
    const value = new Uint8Array(new ArrayBuffer(komonMadeBy.size));
    new TextEncoder().encodeInto(madeBy, value);
    this.#printer.map("made_by").update(new Uint8Array(4), value);
    for (const [name, pin] of this.#pins()) pin(`${folder}/${name}`);
    this.#pinned = true;
  }

  #pins(): Map<string, (path: string) => void> {
    const { object, links, chosen } = this.#attached;
    const pins = new Map<string, (path: string) => void>();
    pins.set(madeByPin, (path) => this.#printer.map("made_by").pin(path));
    for (const name of [...sharedMaps, ...readMaps]) {
      pins.set(name, (path) => object.map(name).pin(path));
    }
    pins.set("control", (path) => object.control(komonVnfControl.size).pin(path));
    const programs = [...chosen.values()].flatMap((hook) => hook.programs);
    for (const [index, name] of programs.entries()) {
      pins.set(`link_${name}`, (path) => links[index].pin(path));
    }
    pins.set(textPin, (path) => this.#text.pin(path));
    return pins;
  }

  /** Links that are pinned are left to the end of the process: libbpf would switch a kprobe off for all. */
  [Symbol.dispose](): void {
    if (!this.#pinned) this.#opened[Symbol.dispose]();
  }
}

/** The text that the maker of the pins left. Readable whatever version made them. */
export function madeByText(folder: string): string {
  using map = new PinnedMap(`${folder}/${madeByPin}`);
  return new TextDecoder().decode(map.at(0)).replace(/\0.*$/s, "");
}

/** A probe that measures with no process, as another process finds it. Only for pins of this build. */
export class PinnedProbe implements Disposable {
  readonly state: Vnfinfo;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    using map = new PinnedMap(`${folder}/vnfinfo`);
    this.state = new Vnfinfo(map.expectValues(komonVnfinfo.size));
  }

  /** Where every packet since the attach went. */
  coverage(): CoverageDetail {
    using maps = new DisposableStack();
    const map = (name: string, { size }: { readonly size: number }) =>
      maps.use(new PinnedMap(`${this.#folder}/${name}`)).expectValues(size);
    const control = maps.use(new Control(map("control", komonVnfControl)));
    const counters = maps.use(new CounterMemory(map("counters", komonCounters), possibleCpus(), 1));
    const queues = maps.use(new QueueMemory(map("queues", komonQueue)));
    const threads = maps.use(new ThreadMemory(map("threads", komonThread), control));
    const now = monotonicNs();
    return coverageOf(
      counters.read(0),
      queues.inFlight(0, now, expiryNs),
      threads.inFlight(0, now, expiryNs),
      0,
      0,
    );
  }

  [Symbol.dispose](): void {
    this.state[Symbol.dispose]();
  }
}
