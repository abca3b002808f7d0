/**
 * Removes what processes of komon left behind that ended without cleaning up (SIGKILL, a crash,
 * no memory). Safe beside other komons that run: each entry is taken over by one of them.
 */
import { log } from "../base/log.ts";
import { lifeOf, type Owner, startedBy, startTicks } from "./owner.ts";
import { tidyFolders } from "./record.ts";
import { claim, type Found, listEntries, settle } from "./registry.ts";
import {
  describeResource,
  presentResources,
  type Resource,
  removeResources,
  sameResource,
} from "./resource.ts";

/** One thing that was removed, or could not be. */
export interface Removed {
  /** Who made it; undefined for a thing without an entry, known by its name alone. */
  readonly owner?: { readonly pid: number; readonly command: string } | undefined;
  /** What it belonged to: `testbed`, … */
  readonly of: string;
  readonly kind: string;
  /** Kind and name: `namespace komon-gen-1a2b`. */
  readonly resource: string;
  /** Why it is still there. */
  readonly kept?: string | undefined;
}

/** What may be removed besides things whose owner is dead. */
export interface Reach {
  /** Also what was made to stay, and what processes of other PID namespaces made. */
  readonly all?: boolean;
}

/** Every command that makes things calls this first; it tells the user what it removed. */
export async function removeStale(): Promise<Removed[]> {
  const removed = removeEntries(staleEntries());
  for (const line of describeRemoved(removed)) log.warn(line);
  return removed;
}

/** Entries that nobody answers for any more. */
export function staleEntries({ all = false }: Reach = {}): Found[] {
  return listEntries().filter(({ sweeper, stored }) => {
    if (sweeper && isAlive(sweeper)) return false;
    if (stored.persistent) return all;
    const life = lifeOf(stored.owner);
    return life === "dead" || (life === "unknown" && all);
  });
}

/** Removes what the entries list, as far as no other entry lists it too. */
export function removeEntries(entries: readonly Found[]): Removed[] {
  const claimed = entries.flatMap((entry) => claim(entry) ?? []);
  const removed = claimed.flatMap((entry) => {
    const { owner, kind } = entry.stored;
    const outcomes = removeResources(removable(entry));
    settle(
      entry,
      outcomes.filter(({ kept }) => kept !== undefined).map(({ resource }) => resource),
    );
    return outcomes.map(({ resource, kept }) => toRemoved(resource, kind, owner, kept));
  });
  tidyFolders();
  return removed;
}

/** What removeEntries would remove. */
export function previewEntries(entries: readonly Found[]): Removed[] {
  return entries.flatMap((entry) => {
    const { owner, kind } = entry.stored;
    return presentResources(removable(entry)).map((each) => toRemoved(each, kind, owner));
  });
}

/** One line for each owner: `removed what komon PID 123 left behind: namespace …, device …`. */
export function describeRemoved(removed: readonly Removed[]): string[] {
  const groups = Map.groupBy(removed, ({ owner, kept }) => `${owner?.pid} ${kept ?? ""}`);
  return [...groups.values()].map((group) => {
    const [{ owner, kept }] = group as [Removed];
    const who = owner ? `komon PID ${owner.pid}` : "a komon";
    const what = `what ${who} left behind: ${group.map(({ resource }) => resource).join(", ")}`;
    return kept === undefined ? `removed ${what}` : `could not remove ${what}: ${kept}`;
  });
}

export function toRemoved(resource: Resource, of: string, owner?: Owner, kept?: string): Removed {
  return {
    ...(owner && { owner: { pid: owner.pid, command: owner.command } }),
    of,
    kind: resource.kind,
    resource: describeResource(resource),
    ...(kept !== undefined && { kept }),
  };
}

/** The entry's resources, and the processes its owner left that it does not list. */
function removable({ path, stored: { owner, resources } }: Found): Resource[] {
  const base = entryName(path);
  const others = listEntries().filter((other) => entryName(other.path) !== base);
  const inUse = others.flatMap(({ stored }) => stored.resources);
  const free = resources.filter((resource) => !inUse.some((r) => sameResource(r, resource)));
  const listed = new Set(resources.map((r) => (r.kind === "process" ? r.pid : 0)));
  // A testbed made to stay has an owner that ended in good order; nothing of it runs.
  const left = lifeOf(owner) === "dead" ? startedBy(owner) : []; // an `ip` half way, for one
  const strays = left.filter(({ pid }) => !listed.has(pid));
  return [...strays.map((found): Resource => ({ kind: "process", ...found })), ...free];
}

function entryName(path: string): string {
  return path.replace(/\.json\..*$/, ".json");
}

function isAlive({ pid, startTicks: ticks }: { pid: number; startTicks: number }): boolean {
  return startTicks(pid) === ticks;
}
