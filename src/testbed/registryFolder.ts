/** Where the registry lies: /run/komon, or a folder of the user's own where that is not writable. */
import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";

const FIRST = "/run/komon";

const uid = (): number => process.geteuid?.() ?? 0;

function candidates(): string[] {
  const runtime = process.env.XDG_RUNTIME_DIR;
  const mine = uid() !== 0 && runtime?.startsWith("/") ? [`${runtime}/komon`] : [];
  return [FIRST, ...mine, `/tmp/komon-${uid()}`];
}

let chosen: string | undefined;

/** The folder for this process's entries; made when it is missing. Says so when it is not the usual one. */
export function registryFolder(): string {
  chosen ??= candidates().find(usable);
  if (chosen === undefined) {
    throw new KomonError({
      what: "cannot keep a record of what komon makes",
      why: `none of ${candidates().join(", ")} is a folder that only this user can write`,
      mend: `let ${FIRST} be made by root, or set XDG_RUNTIME_DIR`,
    });
  }
  mkdirSync(chosen, { recursive: true, mode: 0o700 });
  return chosen;
}

/** All folders in which entries may lie; only those whose content can be believed. */
export function readableFolders(): string[] {
  return candidates().filter(trusted);
}

function usable(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  }
  if (!trusted(folder)) return false;
  if (folder !== FIRST) log.warn(`${FIRST} is not writable; komon keeps its record in ${folder}`);
  return true;
}

/**
 * A real folder (not a link) of root's or ours that nobody else can write: the entries in it name
 * things that komon will remove, as root as a rule.
 */
function trusted(folder: string): boolean {
  try {
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || (stat.mode & 0o022) !== 0) return false;
    if (stat.uid !== uid() && stat.uid !== 0) return false;
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
