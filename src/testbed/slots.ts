/** Chooses a testbed's number so that nothing of it exists on this host: names, addresses, routes. */
import { existsSync } from "node:fs";
import { KomonError, usageError } from "../base/errors.ts";
import { NETNS_FOLDER } from "../kernel/netns.ts";
import { runIp } from "./ip.ts";
import { LOCAL_RANGE, namesOf, SLOTS, subnetsOf } from "./layout.ts";
import { formatPrefix, overlap, type Prefix, parsePrefix } from "./prefix.ts";
import { listEntries } from "./registry.ts";

/** A route this short leads "anywhere" (a default route, or the halves that VPNs use). */
const ANYWHERE_BITS = { 4: 8, 6: 16 } as const;
/** Routes that lead nowhere take nothing: many hosts drop all bogons by them. */
const NOWHERE = new Set(["blackhole", "unreachable", "prohibit", "throw"]);

/** How many testbeds the range has room for: eight IPv4 addresses each. */
export function roomIn(range: Prefix): number {
  if (range.family !== 4 || range.length > 29) {
    throw usageError(
      `${formatPrefix(range)} has no room for a testbed`,
      "give an IPv4 range of /29 or larger",
    );
  }
  return Math.min(SLOTS, 2 ** (29 - range.length));
}

/** The prefixes within the two ranges, or around them, that this host has addresses in or routes to. */
export async function takenPrefixes(range: Prefix): Promise<Prefix[]> {
  const ask = (within: string): string[] => [
    `route show table all root ${within}`,
    `route show table all match ${within}`,
    `address show to ${within}`,
  ];
  const options = { json: true, force: true } as const;
  const answers = await Promise.all([
    runIp(ask(formatPrefix(range)), { ...options, family: 4 }),
    runIp(ask(LOCAL_RANGE), { ...options, family: 6 }),
  ]);
  return answers.flatMap(({ stdout }) => parseTaken(stdout));
}

interface RouteOrLink {
  readonly dst?: string;
  readonly type?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** One JSON array per line of the batch, routes and links mixed. */
export function parseTaken(stdout: string): Prefix[] {
  return stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => JSON.parse(line) as RouteOrLink[])
    .flatMap(({ dst, type, addr_info: addresses = [] }) => [
      ...(dst === undefined || dst === "default" || NOWHERE.has(type ?? "") ? [] : [dst]),
      ...addresses.flatMap((a) => (a.local ? [`${a.local}/${a.prefixlen}`] : [])),
    ])
    .map(parsePrefix)
    .filter(({ family, length }) => length >= ANYWHERE_BITS[family]);
}

/** True when the slot's subnets overlap nothing and its names are free. */
export function isFree(slot: number, range: Prefix, taken: readonly Prefix[]): boolean {
  const subnets = Object.values(subnetsOf(slot, range));
  if (subnets.some((mine) => taken.some((theirs) => overlap(mine, theirs)))) return false;
  const { genNamespace, sinkNamespace } = namesOf(slot.toString(16).padStart(4, "0"));
  return ![genNamespace, sinkNamespace].some((name) => existsSync(`${NETNS_FOLDER}/${name}`));
}

/** A free slot at random, so that two komons that start together hardly ever want the same. */
export function pickSlot(range: Prefix, taken: readonly Prefix[]): number {
  const room = roomIn(range);
  const start = Math.floor(Math.random() * room);
  for (let step = 0; step < room; step++) {
    const slot = (start + step) % room;
    if (isFree(slot, range, taken)) return slot;
  }
  throw new KomonError({
    what: `cannot find free addresses for a testbed in ${formatPrefix(range)}`,
    why: "this host has addresses in, or routes to, all of it",
    mend: "name a range that is free here: komon testbed up --range 10.99.0.0/16",
  });
}

/** Names that other testbeds hold or are about to make, by their entries. */
export function claimedBy(others: (path: string) => boolean): Set<string> {
  const resources = listEntries()
    .filter(({ path }) => others(path))
    .flatMap(({ stored }) => stored.resources);
  return new Set(resources.flatMap((r) => (r.kind === "namespace" ? [r.name] : [])));
}
