import type { Pointer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import {
  cstring,
  errnoWhy,
  lastErrno,
  type MappedMemory,
  mapMemory,
  Protection,
  pageBytes,
  unmap,
  wholePages,
} from "./libc.ts";

/** How far apart the values of an mmapable array lie: the kernel rounds them up to 8 bytes. */
export function arrayStride(valueBytes: number): number {
  return (valueBytes + 7) & ~7;
}

/** One map of a {@link BpfObject}; lives as long as its object. */
export class BpfMap {
  readonly name: string;
  readonly handle: Pointer;

  constructor(handle: Pointer) {
    this.handle = handle;
    this.name = String(libbpf().bpf_map__name(handle));
  }

  /** Valid after load. */
  get fd(): number {
    return libbpf().bpf_map__fd(this.handle);
  }

  get valueBytes(): number {
    return libbpf().bpf_map__value_size(this.handle);
  }

  get entries(): number {
    return libbpf().bpf_map__max_entries(this.handle);
  }

  /**
   * Checks that the values are as large as the layout that this reader was built with says: an object from another
   * build must not be misread.
   */
  expectValues(bytes: number): this {
    if (this.valueBytes !== bytes) throw otherValues(this.name, this.valueBytes, bytes);
    return this;
  }

  /** Before load. For a ring buffer: bytes, a power of two and a multiple of the page size. */
  setEntries(entries: number): void {
    if (libbpf().bpf_map__set_max_entries(this.handle, entries) !== 0) {
      throw new KomonError({
        what: `cannot give the map "${this.name}" ${entries} entries`,
        why: errnoWhy(lastErrno()),
      });
    }
  }

  /** Before load: stands for another object's map, which must be of the same kind. */
  reuse(other: BpfMap): void {
    if (libbpf().bpf_map__reuse_fd(this.handle, other.fd) !== 0) {
      throw new KomonError({
        what: `cannot share the map "${this.name}"`,
        why: errnoWhy(lastErrno()),
      });
    }
  }

  /**
   * The memory of an mmapable array (BPF_F_MMAPABLE, since 5.5), shared with the programs.
   * Value i lies at i * {@link arrayStride}. Read what a program changes with Atomics, or once per look:
   * the JIT may hoist plain reads out of a loop. All mapped pages count as resident memory of this process;
   * `entries` maps only the first so many values.
   */
  map(entries = this.entries): MappedMemory {
    const bytes = arrayStride(this.valueBytes) * entries;
    return mapMemory(this.fd, wholePages(bytes), Protection.read | Protection.write, 0);
  }

  /** Value `index` of an mmapable array alone, or its first so many bytes: for maps of which little is read. */
  mapOne(index: number, bytes = this.valueBytes): MappedValue {
    return mapValue(this.fd, this.valueBytes, index, bytes);
  }

  /**
   * One key of a per-CPU map: `valueBytes` of every possible CPU, one after the other at {@link arrayStride}.
   * A plain map gives its one value.
   */
  lookup(key: Uint8Array, value: Uint8Array): boolean {
    return libbpf().bpf_map_lookup_elem(this.fd, key, value) === 0;
  }

  update(key: Uint8Array, value: Uint8Array): void {
    if (libbpf().bpf_map_update_elem(this.fd, key, value, 0n) !== 0) {
      throw new KomonError({
        what: `cannot write to the map "${this.name}"`,
        why: errnoWhy(lastErrno()),
      });
    }
  }

  /** Of a hash map; that there is no such key is no error. */
  remove(key: Uint8Array): void {
    libbpf().bpf_map_delete_elem(this.fd, key);
  }

  pin(path: string): void {
    if (libbpf().bpf_map__pin(this.handle, cstring(path)) !== 0) {
      throw new KomonError({
        what: `cannot pin "${this.name}" to ${path}`,
        why: errnoWhy(lastErrno()),
      });
    }
  }
}

export function otherValues(name: string, bytes: number, expected: number): KomonError {
  return new KomonError({
    what: `the map "${name}" has values of ${bytes} bytes, not ${expected}`,
    why: "the BPF object and the program that reads it are of different builds",
    mend: "build both anew: bun run build",
  });
}

/** One value of an mmapable array, on the pages it lies on. */
export interface MappedValue {
  readonly view: DataView;
  readonly memory: MappedMemory;
}

/** Maps the first `bytes` of value `index`, whose values have `valueBytes`. */
export function mapValue(
  fd: number,
  valueBytes: number,
  index: number,
  bytes: number,
): MappedValue {
  const begin = arrayStride(valueBytes) * index;
  const page = begin - (begin % pageBytes());
  const whole = wholePages(begin + bytes - page);
  const memory = mapMemory(fd, whole, Protection.read | Protection.write, page);
  return { view: new DataView(memory.buffer, begin - page, bytes), memory };
}

/** CPUs that the kernel could ever bring up: the width of per-CPU maps. */
export function possibleCpus(): number {
  return libbpf().libbpf_num_possible_cpus();
}

export { type MappedMemory, unmap };
