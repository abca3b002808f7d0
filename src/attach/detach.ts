/** The end of what {@link attach} began: KOMon's rmmod. Knows pins by their place, so that any version's can go. */
import { listEntries } from "../testbed/registry.ts";
import { removeEntries } from "../testbed/stale.ts";
import { KIND } from "./attach.ts";
import { folderOf, leavePlace, names, PINS, pinnedPorts, removeFolder } from "./place.ts";

export interface Detached {
  readonly port: number;
  /** Pins that are gone. */
  readonly pins: number;
  /** What is still there, and why. */
  readonly kept: readonly string[];
}

/** Ports that have pins, or of which the registry says so. */
export function attachedPorts(): number[] {
  return [...new Set([...pinnedPorts(), ...entriesOf().map(({ port }) => port)])].sort(
    (a, b) => a - b,
  );
}

export function detach(port: number): Detached {
  const folder = folderOf(port);
  const before = names(folder).length;
  const kept = removeFolder(folder);
  if (kept.length === 0) {
    removeEntries(entriesOf().flatMap((entry) => (entry.port === port ? [entry.found] : [])));
  }
  leavePlace();
  return { port, pins: before - names(folder).length, kept };
}

/** All ports, and whatever else lies among the pins. */
export function detachAll(): Detached[] {
  const detached = attachedPorts().map(detach);
  const strays = names(PINS).length > 0 ? removeFolder(PINS) : [];
  leavePlace();
  return strays.length > 0 ? [...detached, { port: 0, pins: 0, kept: strays }] : detached;
}

function entriesOf() {
  return listEntries().flatMap((found) => {
    const port = (found.stored.details as { port?: unknown } | undefined)?.port;
    return found.stored.kind === KIND && typeof port === "number" ? [{ found, port }] : [];
  });
}
