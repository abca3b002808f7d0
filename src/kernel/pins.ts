/** What stays in the kernel without a process: maps and links with a name in a BPF file system. */
import { mkdirSync } from "node:fs";
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import {
  cstring,
  errnoNumber,
  errnoWhy,
  lastErrno,
  libc,
  type MappedMemory,
  mapMemory,
  Protection,
  stableMemory,
  wholePages,
} from "./libc.ts";
import { arrayStride, type MappedValue, mapValue, otherValues } from "./map.ts";
import { type Mount, mounts } from "./mounts.ts";

/** Where the BPF file system belongs; systemd mounts it there at boot. */
export const BPFFS = "/sys/fs/bpf";

/** The source that the mount table shows for a mount that komon made. */
const MOUNT_SOURCE = "komon";

/** What is mounted at the BPF file system's place: the topmost. */
function mounted(): Mount | undefined {
  return mounts().findLast(({ path }) => path === BPFFS);
}

export function hasBpffs(): boolean {
  return mounted()?.type === "bpf";
}

/**
 * Mounts the BPF file system in this process's mount namespace unless one is there; true when it did.
 * Needs CAP_SYS_ADMIN.
 */
export function mountBpffs(): boolean {
  if (hasBpffs()) return false;
  try {
    mkdirSync(BPFFS, { recursive: true });
  } catch {
    // mount says it
  }
  if (libc.mount(cstring(MOUNT_SOURCE), cstring(BPFFS), cstring("bpf"), 0, null) === 0) return true;
  const errno = lastErrno();
  throw new KomonError({
    what: `cannot mount the BPF file system at ${BPFFS}`,
    why: errnoWhy(errno),
    mend:
      errno === errnoNumber("EPERM")
        ? "run as root, or have it mounted: mount -t bpf bpf /sys/fs/bpf"
        : "mount it by hand: mount -t bpf bpf /sys/fs/bpf",
  });
}

/** Takes the mount away if komon made it and nothing is left in it; true when it did. The caller looks that it is empty. */
export function unmountBpffs(): boolean {
  const mount = mounted();
  if (mount?.type !== "bpf" || mount.source !== MOUNT_SOURCE) return false;
  return libc.umount2(cstring(BPFFS), 0) === 0;
}

/** struct bpf_map_info (include/uapi/linux/bpf.h): type, id, key_size, value_size, max_entries, … */
const infoBytes = 88;
const offsets = { valueBytes: 12, entries: 16 };

/** A map that was pinned, maybe by another process long ago. */
export class PinnedMap implements Disposable {
  readonly valueBytes: number;
  readonly entries: number;
  #fd: number;

  /** Fails when there is no such pin, or it is no map. */
  constructor(readonly path: string) {
    this.#fd = libbpf().bpf_obj_get(cstring(path));
    if (this.#fd < 0) throw this.#failed("open");
    const info = stableMemory(infoBytes);
    const length = stableMemory(4);
    new Uint32Array(length.buffer)[0] = infoBytes;
    if (libbpf().bpf_obj_get_info_by_fd(this.#fd, info.address, length.address) !== 0) {
      const failed = this.#failed("ask about");
      this[Symbol.dispose]();
      throw failed;
    }
    const view = new DataView(info.buffer);
    this.valueBytes = view.getUint32(offsets.valueBytes, true);
    this.entries = view.getUint32(offsets.entries, true);
  }

  /** See BpfMap.expectValues. */
  expectValues(bytes: number): this {
    if (this.valueBytes !== bytes) throw otherValues(this.path, this.valueBytes, bytes);
    return this;
  }

  /** The memory of an mmapable array, shared with the programs; see BpfMap.map. */
  map(): MappedMemory {
    const bytes = arrayStride(this.valueBytes) * this.entries;
    return mapMemory(this.#fd, wholePages(bytes), Protection.read | Protection.write, 0);
  }

  /** Value `index` alone, or its first so many bytes; see BpfMap.mapOne. */
  mapOne(index: number, bytes = this.valueBytes): MappedValue {
    return mapValue(this.#fd, this.valueBytes, index, bytes);
  }

  /** The value of an array's element. */
  at(index: number): Uint8Array {
    const value = new Uint8Array(new ArrayBuffer(arrayStride(this.valueBytes)));
    const key = new Uint8Array(new Uint32Array([index]).buffer);
    if (libbpf().bpf_map_lookup_elem(this.#fd, key, value) !== 0) throw this.#failed("read");
    return value.subarray(0, this.valueBytes);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }

  #failed(doing: string): KomonError {
    return new KomonError({
      what: `cannot ${doing} the pinned map ${this.path}`,
      why: errnoWhy(lastErrno()),
    });
  }
}
