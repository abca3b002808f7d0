import { readU64 } from "../../src/kernel/counter.ts";
import type { BpfLink } from "../../src/kernel/link.ts";
import { type MappedMemory, unmap } from "../../src/kernel/map.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { compileBench } from "./compile.ts";

/** struct echo */
const echoBytes = 32;
const echoCount = 1 << 16;

/** One echo as the device saw it. */
export interface Echo {
  readonly id: number;
  readonly sequence: number;
  readonly host: string;
  readonly outNs: number;
  readonly inNs: number;
}

/** Stamps at the device, taken by programs of their own. */
export class Observer implements Disposable {
  readonly #object: BpfObject;
  /** Those that come before the tool's programs, and those that come behind them. */
  readonly #first: readonly BpfLink[];
  #last: readonly BpfLink[] = [];
  readonly #echoes: MappedMemory;
  readonly #begun: Uint32Array;

  private constructor(bytes: Uint8Array, ifindex: number) {
    this.#object = BpfObject.open(bytes);
    new DataView(this.#object.initialValue(".rodata.watch")).setUint32(0, ifindex, true);
    this.#object.load();
    this.#first = this.#attach();
    this.#begun = new Uint32Array(this.#object.section(".bss").map().buffer);
    this.#echoes = this.#object.map("echoes").map();
  }

  static async open(ifindex: number): Promise<Observer> {
    return new Observer(await compileBench("observe"), ifindex);
  }

  #attach(): BpfLink[] {
    return [...this.#object.programs.values()].map((program) => program.attach());
  }

  /**
   * Once a tool sends, takes the last place at the tracepoints, too. So a tool that stamps there comes between: the
   * observer's first look is not counted, and the second is taken with warm caches, right behind the tool's.
   */
  async goLast(): Promise<void> {
    while (this.#begun[0] === 0) await Bun.sleep(1);
    const before = this.#last;
    this.#last = this.#attach();
    for (const link of before) link[Symbol.dispose]();
  }

  /** All whole echoes since the last call, in the order in which they left. */
  take(): Echo[] {
    const view = new DataView(this.#echoes.buffer);
    const found: Echo[] = [];
    for (let at = 0; at < echoCount * echoBytes; at += echoBytes) {
      const inNs = readU64(view, at + 8);
      if (inNs > 0) {
        found.push({
          id: view.getUint16(at + 16),
          sequence: view.getUint16(at + 18),
          host: [0, 1, 2, 3].map((n) => view.getUint8(at + 20 + n)).join("."),
          outNs: readU64(view, at),
          inNs,
        });
      }
    }
    new Uint8Array(this.#echoes.buffer).fill(0);
    this.#begun[0] = 0;
    return found.sort((a, b) => a.outNs - b.outNs);
  }

  [Symbol.dispose](): void {
    for (const link of [...this.#first, ...this.#last]) link[Symbol.dispose]();
    unmap(this.#echoes);
    this.#object[Symbol.dispose]();
  }
}
