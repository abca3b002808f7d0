/** What the main thread tells the load thread while that sits in its loop: shared words, by Atomics. */
const Word = { go: 0, stop: 1 } as const;

export class Control {
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#words = new Int32Array(shared);
  }

  get stopping(): boolean {
    return Atomics.load(this.#words, Word.stop) !== 0;
  }

  /** Blocks the load thread until {@link go}. */
  waitForGo(): void {
    while (Atomics.load(this.#words, Word.go) === 0) Atomics.wait(this.#words, Word.go, 0);
  }

  go(): void {
    Atomics.store(this.#words, Word.go, 1);
    Atomics.notify(this.#words, Word.go);
  }

  stop(): void {
    Atomics.store(this.#words, Word.stop, 1);
    this.go();
  }
}
