import { existsSync } from "node:fs";
import { KomonError } from "../../base/errors.ts";
import { readU64 } from "../../kernel/counter.ts";
import { komonVnfinfo, komonVnfinfoLimit } from "../../kernel/generated/vnfinfo.ts";
import { monotonicNs } from "../../kernel/libc.ts";
import { View } from "../view.ts";

export type VnfinfoState = "ACTIVE" | "WAITING";

/** What 2019's /proc/vnfinfo_udp had behind it, and the effect of what was written to it. */
export class Vnfinfo extends View {
  /** WAITING also when the last result has come. */
  get state(): VnfinfoState {
    return this.#u32("active") === 1 && this.counter < this.sampleSize ? "ACTIVE" : "WAITING";
  }

  /** Packets measured since the start. */
  get counter(): number {
    return this.view.getUint32(komonVnfinfo.fields.done.offset, true);
  }

  get sampleSize(): number {
    return this.#u32("sampleSize");
  }

  /** The most that the sample size can be. */
  get cbsize(): number {
    return this.#u32("cbsize");
  }

  /** Packets that found no place because of too many CPUs at the same moment. */
  get missed(): number {
    return readU64(this.view, komonVnfinfo.fields.missed.offset);
  }

  /**
   * Runs what changes the state with no other process doing so meanwhile.
   * Fails when another one has been at it for a second.
   */
  alone<T>(change: () => T): T {
    const at = komonVnfinfo.fields.writer.offset / 8;
    const me = BigInt(process.pid);
    const until = performance.now() + 1000;
    for (;;) {
      const was = Atomics.compareExchange(this.#words(), at, 0n, me);
      if (was === 0n) break;
      if (!existsSync(`/proc/${was}`)) Atomics.compareExchange(this.#words(), at, was, 0n);
      else if (performance.now() > until) throw isBusy(was);
      else Bun.sleepSync(1);
    }
    try {
      return change();
    } finally {
      Atomics.store(this.#words(), at, 0n);
    }
  }

  /** As after insmod. */
  initialise(cbsize: number, debug: number): void {
    this.#set("cbsize", cbsize);
    this.#set("sampleSize", cbsize);
    this.#set("debug", debug);
    this.stop();
  }

  /** Empties results and packets in flight, and begins. */
  start(): void {
    this.#close();
    this.forgetPackets();
    this.#set("active", 1);
    this.#open();
  }

  /** Ends the interval and discards its results. */
  stop(): void {
    this.#close();
    this.#set("active", 0);
  }

  /** `reset_packets`: what is in flight is not measured any more; state, counter and results stay. */
  forgetPackets(): void {
    const ns = BigInt(Math.round(monotonicNs()));
    Atomics.store(this.#words(), komonVnfinfo.fields.sinceNs.offset / 8, ns);
  }

  /** `reset_proc`: the results go and the counter is 0; an interval that runs begins anew. */
  forgetResults(): void {
    const wasActive = this.state === "ACTIVE";
    this.#close();
    if (wasActive) this.#open();
    else this.#set("active", 0);
  }

  /** Results of another size are gone, and do not come back with it. */
  setSampleSize(packets: number): void {
    if (packets === this.sampleSize) return;
    this.stop();
    this.#set("sampleSize", packets);
  }

  /** From now on no packet of this epoch can take a place: the kernel finds another word there. */
  #close(): void {
    this.#nextEpoch(komonVnfinfoLimit.KOMON_CLOSED);
  }

  #open(): void {
    this.#nextEpoch(0);
  }

  /** `done` first: whoever takes a place of the new epoch must find its counter. */
  #nextEpoch(places: number): void {
    const { taken, done } = komonVnfinfo.fields;
    const words = this.#words();
    const epoch = (Atomics.load(words, taken.offset / 8) >> 32n) + 1n;
    Atomics.store(words, done.offset / 8, BigInt.asUintN(64, epoch << 32n));
    Atomics.store(words, taken.offset / 8, BigInt.asUintN(64, (epoch << 32n) | BigInt(places)));
  }

  #words(): BigUint64Array {
    return new BigUint64Array(this.memory.buffer, 0, komonVnfinfo.size / 8);
  }

  #u32(name: "active" | "sampleSize" | "cbsize"): number {
    return this.view.getUint32(komonVnfinfo.fields[name].offset, true);
  }

  #set(name: "active" | "sampleSize" | "cbsize" | "debug", value: number): void {
    this.view.setUint32(komonVnfinfo.fields[name].offset, value, true);
  }
}

function isBusy(pid: bigint): KomonError {
  return new KomonError({
    what: "cannot change the state",
    why: `process ${pid} is changing it, and does not end`,
    mend: `see what it does: cat /proc/${pid}/cmdline`,
  });
}
