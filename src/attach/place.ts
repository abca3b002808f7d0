/** Where the pins of attached probes are: one folder a port. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { BPFFS, unmountBpffs } from "../kernel/pins.ts";
import { textPin } from "../probes/vnf/pinned.ts";

export const PINS = `${BPFFS}/komon`;

export function folderOf(port: number): string {
  return `${PINS}/${port}`;
}

/** What users read. */
export function textPath(port: number): string {
  return `${folderOf(port)}/${textPin}`;
}

/** Ports that have pins, whole or not; and other things that lie there. */
export function pinnedPorts(): number[] {
  return names(PINS)
    .map(Number)
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536)
    .sort((a, b) => a - b);
}

/** Names of a folder's pins; none when there is no such folder. */
export function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/**
 * Removes a folder and all in it, links first, so that no program runs on without its maps being seen.
 * Returns what could not be removed, and why.
 */
export function removeFolder(folder: string): string[] {
  const first = (name: string) => (name.startsWith("link_") ? 0 : 1);
  const failures: string[] = [];
  const attempt = (path: string, remove: (path: string) => void) => {
    try {
      remove(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code !== "ENOENT") failures.push(`${path}: ${code}`);
    }
  };
  for (const name of names(folder).sort((a, b) => first(a) - first(b))) {
    const path = `${folder}/${name}`;
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      failures.push(...removeFolder(path));
    } else attempt(path, unlinkSync);
  }
  attempt(folder, rmdirSync);
  return failures;
}

/** Removes the folder of all pins if it is empty, and the mount if komon made it and nothing else is in it. */
export function leavePlace(): void {
  try {
    rmdirSync(PINS);
  } catch {
    // other ports are attached
  }
  // What has a dot in its name is the kernel's own: maps.debug, progs.debug
  if (names(BPFFS).every((name) => name.includes("."))) unmountBpffs();
}
