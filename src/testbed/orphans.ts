/** Things that bear komon's names though no entry lists them: their entry was lost or deleted. */
import { readdirSync } from "node:fs";
import { NETNS_FOLDER } from "../kernel/netns.ts";
import { ID_PATTERN } from "./layout.ts";
import { listEntries } from "./registry.ts";
import { currentNetns, type Resource, removeResources, vethDevices } from "./resource.ts";
import { type Removed, toRemoved } from "./stale.ts";

const namespacePattern = new RegExp(`^komon-(gen|sink)-${ID_PATTERN}$`);
const devicePattern = new RegExp(`^kmn${ID_PATTERN}(in|out)$`);

/** Namespaces of this host, and veth devices of this network namespace. */
export function orphans(): Resource[] {
  const listed = new Set(
    listEntries().flatMap(({ stored }) =>
      stored.resources.flatMap((r) => ("name" in r ? [`${r.kind} ${r.name}`] : [])),
    ),
  );
  const netns = currentNetns();
  const found: Resource[] = [
    ...vethDevices()
      .filter(({ name }) => devicePattern.test(name))
      .map(({ name, mac }): Resource => ({ kind: "device", name, mac, netns })),
    ...namespaceNames()
      .filter((name) => namespacePattern.test(name))
      .map((name): Resource => ({ kind: "namespace", name })),
  ];
  return found.filter((r) => "name" in r && !listed.has(`${r.kind} ${r.name}`));
}

export function removeOrphans(): Removed[] {
  return removeResources(orphans()).map(({ resource, kept }) =>
    toRemoved(resource, "unknown", undefined, kept),
  );
}

export function previewOrphans(): Removed[] {
  return orphans().map((resource) => toRemoved(resource, "unknown"));
}

function namespaceNames(): string[] {
  try {
    return readdirSync(NETNS_FOLDER);
  } catch {
    return []; // no namespace was ever named on this host
  }
}
