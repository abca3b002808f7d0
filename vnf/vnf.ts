/**
 * The example VNF: UDP sockets, and one thread per worker that mirrors what arrives.
 * Knows src/base, src/model, src/stats and src/kernel; the probes know nothing of it.
 */
import { KomonError } from "../src/base/errors.ts";
import type { SocketAddress } from "../src/kernel/address.ts";
import { monotonicNs } from "../src/kernel/libc.ts";
import { localPort } from "../src/kernel/socket.ts";
import type { Law } from "../src/model/laws.ts";
import type { Wait } from "../src/model/wait.ts";
import { Random } from "../src/stats/random.ts";
import { Control } from "./control.ts";
import type { FaultChances } from "./faults.ts";
import type { MirrorCounters } from "./messages.ts";
import type { RowChunk } from "./rows.ts";
import { openSockets } from "./sockets.ts";
import { MirrorThread } from "./threads.ts";

export interface VnfOptions {
  /** Where to receive; port 0 takes any free one. */
  readonly address: SocketAddress;
  /** Where to send; without it every packet goes back to its sender. */
  readonly target?: SocketAddress | undefined;
  /** Name the target in every send call instead of connecting the socket to it. */
  readonly unconnected: boolean;
  readonly delayNs: number;
  readonly law: Law;
  readonly seed: number;
  readonly workers: number;
  /** All workers receive from one socket, instead of from one each (SO_REUSEPORT). */
  readonly sharedSocket: boolean;
  /** Worker n runs on CPU n, beginning anew at the end of the list. Empty: not pinned. */
  readonly cpus: readonly number[];
  readonly nice?: number | undefined;
  /** Receive buffer of each socket. */
  readonly bufferBytes?: number | undefined;
  readonly faults: FaultChances;
  readonly rewrite: boolean;
  /** Where the workers wait for packets. */
  readonly wait: Wait;
  /** Keep a row of every packet; else of those in a sampling interval only. */
  readonly keepAll: boolean;
}

export interface VnfOutcome {
  readonly counters: MirrorCounters;
  /** Failed send calls by errno. */
  readonly errors: ReadonlyMap<number, number>;
  /** Rows in order of receipt, worker after worker. */
  readonly chunks: readonly RowChunk[];
  /** Why it ended before it was asked to. */
  readonly error?: KomonError | undefined;
}

export class Vnf {
  readonly #control: Control;
  readonly #threads: readonly MirrorThread[];

  private constructor(
    /** The port that was bound. */
    readonly port: number,
    /** Thread ids of the workers, as a probe sees them. */
    readonly tids: readonly number[],
    control: Control,
    threads: readonly MirrorThread[],
  ) {
    this.#control = control;
    this.#threads = threads;
  }

  /** Opens the sockets, starts the threads, and returns when all of them serve. */
  static async start(options: VnfOptions): Promise<Vnf> {
    const sockets = openSockets(options);
    const control = new Control();
    const seeds = new Random(options.seed);
    const threads = sockets.map(
      (socket, worker) =>
        new MirrorThread({
          ...socket,
          echo: options.target === undefined,
          target: options.unconnected ? options.target?.bytes : undefined,
          law: options.law,
          delayNs: options.delayNs,
          serviceSeed: seeds.int(Number.MAX_SAFE_INTEGER),
          faultSeed: seeds.int(Number.MAX_SAFE_INTEGER),
          faults: options.faults,
          rewrite: options.rewrite,
          wait: options.wait,
          keepAll: options.keepAll,
          control: control.shared,
          cpu: options.cpus[worker % options.cpus.length],
          nice: options.nice,
        }),
    );
    const port = localPort(sockets[0].receiveFd);
    const tids = await Promise.all(threads.map((thread) => thread.ready));
    return new Vnf(port, tids, control, threads);
  }

  /** Samples the next packets that are received from now on, `samples` of them over all workers. */
  startInterval(samples: number): void {
    this.#control.startInterval(samples, monotonicNs());
  }

  /** Resolves when a thread has ended by itself: there is an error to be had from {@link stop}. */
  async broken(): Promise<void> {
    await Promise.race(this.#threads.map((thread) => thread.done));
  }

  /** Serves what waits in the sockets (for two seconds at most), ends the threads, and collects. */
  async stop(): Promise<VnfOutcome> {
    this.#control.stop();
    for (const thread of this.#threads) thread.wake();
    const all = await Promise.all(this.#threads.map((thread) => thread.done));
    const counters = all.map((one) => one.counters).reduce(sum);
    const errors = new Map<number, number>();
    for (const one of all) {
      one.errors.forEach((count, errno) => {
        if (count > 0) errors.set(errno, (errors.get(errno) ?? 0) + count);
      });
    }
    const parts = all.find((one) => one.error)?.error;
    return {
      counters,
      errors,
      chunks: all.flatMap((one) => one.chunks),
      error: parts && new KomonError(parts),
    };
  }
}

function sum(a: MirrorCounters, b: MirrorCounters): MirrorCounters {
  return {
    received: a.received + b.received,
    sent: a.sent + b.sent,
    sentBytes: a.sentBytes + b.sentBytes,
    dropped: a.dropped + b.dropped,
    heldBack: a.heldBack + b.heldBack,
    sentTwice: a.sentTwice + b.sentTwice,
    rewritten: a.rewritten + b.rewritten,
    failed: a.failed + b.failed,
  };
}
