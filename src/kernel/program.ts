import type { Pointer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { type ProgramInfo, programInfo } from "./info.ts";
import { libbpf } from "./libbpf.ts";
import { cstring, errnoWhy, lastErrno, stableMemory } from "./libc.ts";
import { BpfLink } from "./link.ts";
import type { BpfMap } from "./map.ts";

/** One program of a {@link BpfObject}; lives as long as its object. */
export class BpfProgram {
  readonly name: string;
  /** The ELF section: says type and hook, for example "fentry/udp_sendmsg". */
  readonly section: string;
  readonly #handle: Pointer;

  constructor(handle: Pointer) {
    this.#handle = handle;
    this.name = String(libbpf().bpf_program__name(handle));
    this.section = String(libbpf().bpf_program__section_name(handle));
  }

  /** Valid after load. */
  get fd(): number {
    return libbpf().bpf_program__fd(this.#handle);
  }

  setAutoload(load: boolean): void {
    libbpf().bpf_program__set_autoload(this.#handle, load);
  }

  /** Attaches to what the section names. Fails with the errno that the kernel gave. */
  attach(): BpfLink {
    return this.#linked(libbpf().bpf_program__attach(this.#handle), this.section);
  }

  /** Attaches to all sockets of a cgroup (version 2) and its descendants. */
  attachCgroup(cgroupFd: number): BpfLink {
    return this.#linked(libbpf().bpf_program__attach_cgroup(this.#handle, cgroupFd), "the cgroup");
  }

  /** Attaches to a device's XDP hook; natively where its driver can, else the kernel's generic way. */
  attachXdp(ifindex: number): BpfLink {
    return this.#linked(
      libbpf().bpf_program__attach_xdp(this.#handle, ifindex),
      `XDP of device ${ifindex}`,
    );
  }

  /** Attaches an iterator over a map's elements (since 5.9): whoever reads its pin has it run. */
  attachIterator(over: BpfMap): BpfLink {
    // struct bpf_iter_attach_opts { size_t sz; union bpf_iter_link_info *info; __u32 info_len; }
    const options = stableMemory(24);
    const info = stableMemory(16); // union bpf_iter_link_info: __u32 map_fd
    new Int32Array(info.buffer)[0] = over.fd;
    new BigUint64Array(options.buffer).set([24n, BigInt(info.address), 16n]);
    const link = libbpf().bpf_program__attach_iter(this.#handle, options.address);
    return this.#linked(link, `the map "${over.name}"`);
  }

  pin(path: string): void {
    if (libbpf().bpf_program__pin(this.#handle, cstring(path)) !== 0) {
      throw new KomonError({
        what: `cannot pin "${this.name}" to ${path}`,
        why: errnoWhy(lastErrno()),
      });
    }
  }

  /** The kernel's account of this program: runs, time, misses. */
  info(): ProgramInfo {
    return programInfo(this.fd);
  }

  #linked(link: Pointer | bigint | null, target: string): BpfLink {
    if (link) return new BpfLink(link as Pointer);
    throw new KomonError({
      what: `cannot attach "${this.name}" to ${target}`,
      why: errnoWhy(lastErrno()),
    });
  }
}
