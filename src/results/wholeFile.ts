import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Exit, KomonError } from "../base/errors.ts";
import { reasonOf } from "./system.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Creates a file for writing: never an existing one, never through a symbolic link; mode 0644. */
export function createExclusive(path: string): number {
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
}

/** Writes all of it, however often the kernel takes less than offered. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done);
  }
}

export interface WholeFileOptions {
  /** Take the place of an existing file; without it an existing file is an error. */
  readonly replace?: boolean;
  /** What to do about a file that exists, where it is none of a run. */
  readonly mend?: string;
}

/**
 * Writes a file at once: under another name beside it (`.NAME.PID.tmp`), flushed to the device, then
 * renamed. Whoever looks sees the old file, none, or the whole new one.
 * *Fails when* the file exists (unless `replace`), or the folder is not writable or full.
 */
export function writeWhole(path: string, text: string, options: WholeFileOptions = {}): void {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    fillNew(partial, new TextEncoder().encode(text));
    try {
      if (options.replace) renameSync(partial, path);
      else linkSync(partial, path);
    } finally {
      rmSync(partial, { force: true });
    }
  } catch (error) {
    throw cannotWrite(path, error, "", options.mend);
  }
}

/** Creates, fills and flushes a file; what it could not fill it removes. */
function fillNew(path: string, bytes: Uint8Array): void {
  const file = createExclusive(path);
  try {
    writeAll(file, bytes);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

const ofARun = "give another --rep or another --out folder, or move the old results away";

/** The error of a result file that cannot be written, with the mend that fits. */
export function cannotWrite(path: string, error: unknown, kept = "", mend = ofARun): KomonError {
  if (error instanceof KomonError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIST" || code === "ELOOP") {
    return new KomonError({
      what: `will not write over ${path}`,
      why: reasonOf(error),
      mend,
      exit: Exit.usage,
      cause: error,
    });
  }
  return new KomonError({
    what: `cannot write ${path}${kept}`,
    why: reasonOf(error),
    mend: mends[code ?? ""] ?? "choose another folder with --out",
    exit: Exit.incomplete,
    cause: error,
  });
}

const mends: Readonly<Record<string, string>> = {
  ENOSPC: "free some space, or choose a folder on another device with --out",
  EDQUOT: "free some of your quota, or choose another folder with --out",
  ENOENT: "create the folder, or choose another one with --out",
};
