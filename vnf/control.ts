/**
 * What the main thread tells the mirror threads while they are inside their loop, where no message
 * reaches them: a few shared words. The loop reads one, `epoch`, per packet, and the others only when
 * it has changed. Always through Atomics: a plain read may be moved out of a loop.
 */
const Word = { epoch: 0, stop: 1, interval: 2, left: 3 } as const;
const SIGNAL_AT_BYTES = 16;

export class Control {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #signalNs: Float64Array<SharedArrayBuffer>;

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(SIGNAL_AT_BYTES + 8)) {
    this.#words = new Int32Array(shared, 0, 4);
    this.#signalNs = new Float64Array(shared, SIGNAL_AT_BYTES, 1);
  }

  /** Changes whenever the main thread has said something. */
  get epoch(): number {
    return Atomics.load(this.#words, Word.epoch);
  }

  get stopping(): boolean {
    return Atomics.load(this.#words, Word.stop) !== 0;
  }

  /** The sampling interval, counted from 1; 0 before the first. */
  get interval(): number {
    return Atomics.load(this.#words, Word.interval);
  }

  /** Packets received before this time do not belong to the interval. */
  get signalNs(): number {
    return this.#signalNs[0];
  }

  /** Claims one of the interval's samples; false when all are taken. */
  takeSample(): boolean {
    return Atomics.sub(this.#words, Word.left, 1) > 0;
  }

  stop(): void {
    Atomics.store(this.#words, Word.stop, 1);
    Atomics.add(this.#words, Word.epoch, 1);
  }

  /** Starts the next sampling interval; one that still runs ends here, short. */
  startInterval(samples: number, nowNs: number): void {
    this.#signalNs[0] = nowNs;
    Atomics.store(this.#words, Word.left, samples);
    Atomics.add(this.#words, Word.interval, 1);
    Atomics.add(this.#words, Word.epoch, 1);
  }
}
