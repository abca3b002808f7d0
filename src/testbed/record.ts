/** The registry's files: written whole or not at all, and gone with their folder when forgotten. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { KomonError } from "../base/errors.ts";
import { type Owner, startTicks, thisOwner } from "./owner.ts";
import { readableFolders } from "./registryFolder.ts";
import type { Resource } from "./resource.ts";

export const SCHEMA = "komon.registry/1";

/** What an entry's file holds. */
export interface Stored {
  readonly schema: typeof SCHEMA;
  /** What it is: `testbed`, `run`, … */
  readonly kind: string;
  readonly owner: Owner;
  /** Outlives its owner on purpose; only an explicit command removes it. */
  readonly persistent: boolean;
  readonly resources: readonly Resource[];
  /** What the kind itself wants to know later. */
  readonly details?: unknown;
}

/** Half-written files of processes that were killed while writing, and folders without entries. */
export function tidyFolders(): void {
  for (const folder of readableFolders()) {
    for (const name of namesIn(folder)) {
      const [, pid, ticks] = /^\.(\d+)-(\d+)\.tmp$/.exec(name) ?? [];
      if (pid && startTicks(Number(pid)) !== Number(ticks)) removeFile(`${folder}/${name}`);
    }
    removeIfEmpty(folder);
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The folder goes with its last entry. */
export function forget(path: string): void {
  removeFile(path);
  removeIfEmpty(dirname(path));
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // it has entries
  }
}

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // removed with its last entry a moment ago
  }
}

/** A reader sees the old text or the new one, never half of it. */
export function write(path: string, stored: Stored): void {
  const owner = thisOwner();
  const temporary = `${dirname(path)}/.${owner.pid}-${owner.startTicks}.tmp`;
  const text = `${JSON.stringify(stored)}\n`;
  for (;;) {
    try {
      writeFileSync(temporary, text, { mode: 0o600 });
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code !== "ENOENT") {
        removeFile(temporary);
        throw cannotRecord(path, code);
      }
      // Another komon removed the folder with its last entry.
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    }
  }
  renameSync(temporary, path);
}

function cannotRecord(path: string, code: string): KomonError {
  return new KomonError({
    what: `cannot record in ${dirname(path)} what komon is about to make`,
    why: code,
    mend: `make room in the file system of ${dirname(path)}; nothing was made without a record`,
  });
}

export function readStored(path: string): Stored | undefined {
  try {
    const stored = JSON.parse(readFileSync(path, "utf8")) as Stored;
    return stored.schema === SCHEMA ? stored : undefined;
  } catch {
    return undefined;
  }
}
