/** Runs a loaded program on bytes instead of traffic: BPF_PROG_TEST_RUN. */
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import {
  errnoNumber,
  errnoWhy,
  lastErrno,
  type MappedMemory,
  mapAnonymous,
  stableMemory,
  unmap,
} from "./libc.ts";

/** struct bpf_test_run_opts (libbpf's bpf.h) */
const optionBytes = 80;
const at = {
  dataIn: 8,
  dataOut: 16,
  sizeIn: 24,
  sizeOut: 28,
  result: 56,
  repeat: 60,
  ns: 64,
  flags: 68,
};
const BPF_F_TEST_XDP_LIVE_FRAMES = 2;
const frameBytes = 4096;

export interface TestRunResult {
  /** What the program returned. */
  readonly result: number;
  /** Mean time of one run. */
  readonly ns: number;
}

/** One frame's memory, used again and again. Write the frame to `frame`, then {@link run}. */
export class TestRun implements Disposable {
  readonly frame: Uint8Array;
  /** The frame as the program left it. */
  readonly after: Uint8Array;
  readonly #memory: MappedMemory;
  readonly #options = stableMemory(optionBytes);
  readonly #view = new DataView(this.#options.buffer);
  readonly #programFd: number;

  constructor(programFd: number) {
    this.#programFd = programFd;
    this.#memory = mapAnonymous(2 * frameBytes);
    this.frame = new Uint8Array(this.#memory.buffer, 0, frameBytes);
    this.after = new Uint8Array(this.#memory.buffer, frameBytes, frameBytes);
    const pointer = (where: number, offset: number) =>
      this.#view.setBigUint64(where, BigInt(this.#memory.address) + BigInt(offset), true);
    this.#view.setUint32(0, optionBytes, true);
    pointer(at.dataIn, 0);
    pointer(at.dataOut, frameBytes);
  }

  /**
   * Fails when the kernel takes no frame of this length (14 bytes at least). With `repeat` it may run more often: a
   * signal to this thread, such as the collector of garbage sends, ends a series early, and it is begun anew.
   */
  run(bytes: number, repeat = 1): TestRunResult {
    this.#view.setUint32(at.sizeIn, bytes, true);
    this.#view.setUint32(at.sizeOut, frameBytes, true);
    this.#view.setUint32(at.repeat, repeat, true);
    while (libbpf().bpf_prog_test_run_opts(this.#programFd, this.#options.address) !== 0) {
      const errno = lastErrno();
      if (errno === errnoNumber("EINTR")) continue;
      throw new KomonError({
        what: `cannot run a program on a frame of ${bytes} bytes`,
        why: errnoWhy(errno),
      });
    }
    return { result: this.#view.getUint32(at.result, true), ns: this.#view.getUint32(at.ns, true) };
  }

  /**
   * Sends the frame so many times as if a device had received it: what the program returns happens (since 5.18).
   * With a redirect this is a packet generator. Returns when all are sent.
   */
  live(bytes: number, repeat: number): void {
    const options = stableMemory(optionBytes);
    const view = new DataView(options.buffer);
    view.setUint32(0, optionBytes, true);
    view.setBigUint64(at.dataIn, BigInt(this.#memory.address), true);
    view.setUint32(at.sizeIn, bytes, true);
    view.setUint32(at.repeat, repeat, true);
    view.setUint32(at.flags, BPF_F_TEST_XDP_LIVE_FRAMES, true);
    if (libbpf().bpf_prog_test_run_opts(this.#programFd, options.address) === 0) return;
    throw new KomonError({ what: "cannot send frames by test run", why: errnoWhy(lastErrno()) });
  }

  [Symbol.dispose](): void {
    unmap(this.#memory);
  }
}
