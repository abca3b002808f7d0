/**
 * The C library as komon uses it. This folder is the only one that touches native code;
 * the layers above import from here and get plain numbers, ArrayBuffers and KomonErrors.
 */
export type { Pointer } from "bun:ffi";
export { libc } from "./bindings.ts";
export { monotonicNs, realtimeNs, sleepUntilNs } from "./clock.ts";
export { errnoName, errnoNumber, errnoText, errnoWhy, lastErrno } from "./errno.ts";
export {
  cstring,
  type MappedMemory,
  mapAnonymous,
  mapMemory,
  memoryAt,
  Protection,
  pageBytes,
  stableMemory,
  unmap,
  wholePages,
} from "./memory.ts";
export { NETNS_FOLDER, setNetns } from "./netns.ts";
