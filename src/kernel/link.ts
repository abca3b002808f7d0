import type { Pointer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import { cstring, errnoWhy, lastErrno } from "./libc.ts";

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
