import { closeSync, openSync } from "node:fs";
import { libc } from "./bindings.ts";
import { errnoName, lastErrno } from "./errno.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Keeps a folder to this process until it is disposed of, or the process ends, however it ends
 * (flock(2)). Undefined when another process has it. A file system without locks lets everybody in.
 */
export function lockFolder(path: string): Disposable | undefined {
  const folder = openSync(path, "r");
  const taken = libc.flock(folder, LOCK_EX | LOCK_NB) !== 0 && errnoName(lastErrno()) === "EAGAIN";
  if (!taken) return { [Symbol.dispose]: () => closeSync(folder) };
  closeSync(folder);
  return undefined;
}
