import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { libc } from "./bindings.ts";
import { errnoWhy, lastErrno } from "./errno.ts";

export const Protection = { read: 1, write: 2 } as const;

const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;

const _SC_PAGESIZE = 30;

/** What the kernel maps at once: 4 KiB on x86; 4, 16 or 64 on arm64. */
export function pageBytes(): number {
  return Number(libc.sysconf(_SC_PAGESIZE));
}

/** So many bytes in whole pages. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / pageBytes()) * pageBytes();
}

/** Mapped memory: where it lies for C, and the same bytes for JavaScript. */
export interface MappedMemory {
  readonly address: Pointer;
  readonly bytes: number;
  readonly buffer: ArrayBuffer;
}

/**
 * Maps `bytes` of a file, map or ring buffer, shared with whoever else maps it.
 * The memory stays until {@link unmap}; no view of it may be touched afterwards.
 */
export function mapMemory(fd: number, bytes: number, prot: number, offset: number): MappedMemory {
  return map(fd, bytes, prot, MAP_SHARED, offset);
}

/** Memory of this process alone, zeroed and page aligned, given by the kernel page by page as touched. */
export function mapAnonymous(bytes: number): MappedMemory {
  return map(-1, bytes, Protection.read | Protection.write, MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

/** The bytes at an address that another thread mapped: valid until that thread's {@link unmap}. */
export function memoryAt(address: number, bytes: number): ArrayBuffer {
  return bytes === 0 ? new ArrayBuffer(0) : toArrayBuffer(address as Pointer, 0, bytes);
}

export function unmap(memory: MappedMemory): void {
  libc.munmap(memory.address, memory.bytes);
}

/**
 * An ArrayBuffer whose address can be kept. A typed array that owns its storage may move it when
 * `.buffer` is first touched, or when the JIT recompiles; one made as a buffer never moves.
 * The caller must keep the buffer referenced as long as C may use the address.
 */
export function stableMemory(bytes: number): { address: Pointer; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(bytes);
  return { address: ptr(buffer), buffer };
}

/** A NUL-terminated copy of `text`, to pass where C wants `const char *`. */
export function cstring(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const terminated = new Uint8Array(new ArrayBuffer(bytes.length + 1));
  terminated.set(bytes);
  return terminated;
}

function map(fd: number, bytes: number, prot: number, flags: number, offset: number): MappedMemory {
  const result = libc.mmap(null, bytes, prot, flags, fd, offset);
  if (result === -1n) {
    throw new KomonError({
      what: `cannot map ${bytes} bytes of ${fd < 0 ? "memory" : `file descriptor ${fd}`}`,
      why: errnoWhy(lastErrno()),
    });
  }
  const address = Number(result) as Pointer;
  return { address, bytes, buffer: toArrayBuffer(address, 0, bytes) };
}
