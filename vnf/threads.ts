import { KomonError } from "../src/base/errors.ts";
import { workerUrl } from "../src/base/worker.ts";
import { libc } from "../src/kernel/libc.ts";
import { SHUT_RD } from "../src/kernel/socket.ts";
import type { MirrorConfig, MirrorMessage } from "./messages.ts";

export type MirrorDone = Extract<MirrorMessage, { kind: "done" }>;

/** One mirror thread, seen from the main thread. */
export class MirrorThread {
  /** Its thread id, once it serves. Rejected when it cannot start. */
  readonly ready: Promise<number>;
  /** What it did, once it has ended, for whatever reason. */
  readonly done: Promise<MirrorDone>;
  readonly #worker: Worker;
  readonly #receiveFd: number;

  constructor(config: MirrorConfig) {
    const ready = Promise.withResolvers<number>();
    const done = Promise.withResolvers<MirrorDone>();
    this.ready = ready.promise;
    this.done = done.promise;
    this.#receiveFd = config.receiveFd;
    this.#worker = new Worker(workerUrl("vnf/mirror.worker.ts"));
    this.#worker.onmessage = ({ data }: MessageEvent<MirrorMessage>) => {
      if (data.kind === "ready") return ready.resolve(data.tid);
      if (data.error) ready.reject(new KomonError(data.error));
      done.resolve(data);
    };
    this.#worker.onerror = ({ message }) => {
      const error = new Error(`a mirror thread broke: ${message}`);
      ready.reject(error);
      done.reject(error);
    };
    ready.promise.catch(() => {}); // whoever starts the threads looks at all of them, in order
    done.promise.catch(() => {});
    this.#worker.postMessage(config);
  }

  /**
   * Wakes the thread out of a blocked receive, after `control.stop()`. Shutting down an unconnected UDP
   * socket fails with ENOTCONN and wakes its receivers all the same (`inet_shutdown`, since Linux 2.2).
   */
  wake(): void {
    libc.shutdown(this.#receiveFd, SHUT_RD);
  }
}
