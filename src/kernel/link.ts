import type { Pointer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import { cstring, errnoWhy, lastErrno, libc } from "./libc.ts";

/** An attachment. It ends when disposed, or with the process, unless it is pinned. */
export class BpfLink implements Disposable {
  #handle: Pointer | null;

  constructor(handle: Pointer) {
    this.#handle = handle;
  }

  get fd(): number {
    return this.#handle ? libbpf().bpf_link__fd(this.#handle) : -1;
  }

  /** Keeps the attachment alive without a process, under a path in bpffs. */
  pin(path: string): void {
    if (this.#handle && libbpf().bpf_link__pin(this.#handle, cstring(path)) !== 0) {
      throw new KomonError({ what: `cannot pin the link to ${path}`, why: errnoWhy(lastErrno()) });
    }
  }

  [Symbol.dispose](): void {
    if (!this.#handle) return;
    libbpf().bpf_link__destroy(this.#handle);
    this.#handle = null;
  }
}

/** membarrier(2): `__NR_membarrier`, MEMBARRIER_CMD_GLOBAL. */
const membarrier = process.arch === "arm64" ? 283 : 324;
const everyCpu = 1;

/**
 * Waits until programs that ran when their link was closed have ended: some ms. The kernel's barrier waits for all
 * that runs under RCU, as programs do. With nohz_full CPUs it refuses; then one may yet run for a µs.
 */
export function programsOver(): void {
  libc.syscall(membarrier, everyCpu as never, 0, null, 0, 0);
}
