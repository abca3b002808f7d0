/**
 * The registry of what komon makes outside itself: one small file per thing under /run/komon,
 * written before the thing is made and removed after it is gone. However a process ends, the next
 * start finds what it left behind (see stale.ts).
 */
import { renameSync } from "node:fs";
import { thisOwner } from "./owner.ts";
import { forget, namesIn, readStored, SCHEMA, type Stored, write } from "./record.ts";
import { readableFolders, registryFolder } from "./registryFolder.ts";
import { type Resource, sameResource } from "./resource.ts";

export interface Found {
  readonly path: string;
  readonly stored: Stored;
  /** Who is removing it, when somebody has begun. */
  readonly sweeper?: { readonly pid: number; readonly startTicks: number };
}

let serial = 0;

/** This process's record of one thing it makes. */
export class Entry implements Disposable {
  readonly path: string;
  #stored: Stored;
  #open = true;

  /** Writes the entry; make the resources only afterwards. */
  constructor(kind: string, resources: readonly Resource[] = []) {
    const owner = thisOwner();
    const name = `${owner.pid}-${owner.startTicks}-${++serial}.json`;
    this.path = `${registryFolder()}/${name}`;
    this.#stored = { schema: SCHEMA, kind, owner, persistent: false, resources };
    write(this.path, this.#stored);
  }

  get resources(): readonly Resource[] {
    return this.#stored.resources;
  }

  /** Call it before the resources are made. */
  add(...resources: readonly Resource[]): void {
    this.#update({ resources: [...this.#stored.resources, ...resources] });
  }

  /** Call it after the resources are gone. */
  drop(...resources: readonly Resource[]): void {
    const rest = this.#stored.resources.filter((r) => !resources.some((d) => sameResource(r, d)));
    this.#update({ resources: rest });
  }

  /** What later commands want to know of the thing. */
  describe(details: unknown): void {
    this.#update({ details });
  }

  /** Lets the thing outlive this process. */
  keep(): void {
    this.#update({ persistent: true });
    this.#open = false;
  }

  /** Forgets the thing; call it when nothing of it is left. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    forget(this.path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #update(change: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...change };
    if (this.#open) write(this.path, this.#stored);
  }
}

/** All entries of all processes, those that cannot be read left out. */
export function listEntries(): Found[] {
  return readableFolders().flatMap((folder) =>
    namesIn(folder)
      .sort()
      .flatMap((name) => {
        const match = /^\d+-\d+-\d+\.json(?:\.(\d+)-(\d+))?$/.exec(name);
        const stored = match && readStored(`${folder}/${name}`);
        if (!match || !stored) return [];
        const sweeper = match[1] && { pid: Number(match[1]), startTicks: Number(match[2]) };
        return [{ path: `${folder}/${name}`, stored, ...(sweeper && { sweeper }) }];
      }),
  );
}

/**
 * Takes an entry over, to remove what it lists. Of several komons that try, one gets it: the
 * rename succeeds once. Undefined for the others.
 */
export function claim(found: Found): Found | undefined {
  const sweeper = thisOwner();
  const base = found.path.replace(/\.json\..*$/, ".json");
  const path = `${base}.${sweeper.pid}-${sweeper.startTicks}`;
  try {
    renameSync(found.path, path);
  } catch {
    return undefined;
  }
  return { path, stored: found.stored, sweeper };
}

/** Forgets a claimed entry, or leaves it for the next start with the resources that remain. */
export function settle(claimed: Found, remaining: readonly Resource[]): void {
  if (remaining.length === 0) {
    forget(claimed.path);
    return;
  }
  try {
    write(claimed.path, { ...claimed.stored, resources: remaining });
  } catch {
    // no room: the old list will do, what is gone from it does no harm
  }
  renameSync(claimed.path, claimed.path.replace(/\.json\..*$/, ".json"));
}
