import { closeSync, openSync, writeSync } from "node:fs";
import { KomonError } from "../base/errors.ts";

const device = "/dev/cpu_dma_latency";

/**
 * While open, CPUs wait awake instead of sleeping between packets: what `cyclictest` does for the same reason. Wake-up
 * and cold caches then weigh less in the times. The kernel's PM QoS interface (Documentation/power/pm_qos_interface.rst):
 * a wish of 0 µs, withdrawn when the file is closed, however the process ends.
 */
export class Awake implements Disposable {
  readonly #fd: number;

  constructor() {
    try {
      this.#fd = openSync(device, "w");
      writeSync(this.#fd, new Int32Array([0]));
    } catch (error) {
      throw new KomonError({
        what: "cannot keep the CPUs awake",
        why: error instanceof Error ? error.message : String(error),
        mend: `leave --awake out; it needs root and a kernel with ${device}`,
      });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
