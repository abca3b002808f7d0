/**
 * The built-in testbed: a namespace for the load, one for the sink, and between them the host's
 * side, in the namespace komon runs in, where the VNF under test listens. See docs/testbed.md.
 */
import { KomonError, usageError } from "../base/errors.ts";
import { BuiltTestbed } from "./built.ts";
import type { Testbed, TestbedOptions } from "./facts.ts";
import { runIp } from "./ip.ts";
import { ipv6Possible, kernelHasIpv6 } from "./ipv6.ts";
import { BENCHMARK_RANGE, ID_PATTERN, type Layout, layOut } from "./layout.ts";
import { requireTestbedRights, testbedError } from "./permit.ts";
import { parsePrefix } from "./prefix.ts";
import { Entry } from "./registry.ts";
import { currentNetns, type Resource } from "./resource.ts";
import { creation } from "./script.ts";
import { claimedBy, isFree, pickSlot, roomIn, takenPrefixes } from "./slots.ts";

export type { Counters } from "./counters.ts";
export type { Device, Testbed, TestbedFacts, TestbedOptions } from "./facts.ts";

export const DEFAULT_MTU_BYTES = 1500;
const IPV6_MIN_MTU_BYTES = 1280;
const ATTEMPTS = 8;

/**
 * Builds a testbed; when it returns, packets pass. Takes about 15 ms.
 *
 * Needs CAP_NET_ADMIN, CAP_SYS_ADMIN, iproute2, veth. When it fails, nothing is left behind.
 * @example using bed = await openTestbed(); // load in bed.genNamespace sends to bed.hostIn4
 */
export async function openTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  requireTestbedRights();
  const { mtuBytes = DEFAULT_MTU_BYTES, id } = options;
  const range = parsePrefix(options.range ?? BENCHMARK_RANGE);
  const wanted = id === undefined ? undefined : slotOf(id, roomIn(range));
  const ipv6Devices = mtuBytes >= IPV6_MIN_MTU_BYTES && kernelHasIpv6();
  const ipv6 = ipv6Devices && ipv6Possible();
  for (let attempt = 1; ; attempt++) {
    const taken = await takenPrefixes(range);
    const slot = wanted ?? pickSlot(range, taken);
    const layout = layOut({ slot, mtuBytes, range, ipv6, ipv6Devices });
    const built = isFree(slot, range, taken) ? await build(layout) : undefined;
    if (built) return built;
    if (wanted !== undefined || attempt === ATTEMPTS) throw isTaken(layout.id);
  }
}

/** Undefined: somebody else has one of the names; nothing of theirs was touched. */
async function build(layout: Layout): Promise<Testbed | undefined> {
  const resources = resourcesOf(layout);
  const entry = new Entry("testbed", resources);
  // Written first, read second: of two that want the same names at least one sees the other.
  if (claimedBy((path) => path !== entry.path).has(layout.genNamespace)) {
    entry.close();
    return undefined;
  }
  const bed = new BuiltTestbed(layout, entry);
  try {
    const lines = creation(layout);
    for (const [index, said] of (await runIp(lines)).failures) {
      if (!/File exists/.test(said)) throw testbedError(said, lines[index] ?? "-batch");
      entry.drop(...resources.slice(index)); // not ours: the batch stopped here
      bed.close();
      return undefined;
    }
    await bed.start();
    return bed;
  } catch (error) {
    bed.close();
    throw error;
  }
}

/** One for each line of creation(), in the same order. */
function resourcesOf(layout: Layout): Resource[] {
  const { genNamespace, sinkNamespace, inDevice, outDevice, macs } = layout;
  const netns = currentNetns();
  return [
    { kind: "namespace", name: genNamespace },
    { kind: "namespace", name: sinkNamespace },
    { kind: "device", name: inDevice, mac: macs.in, netns },
    { kind: "device", name: outDevice, mac: macs.out, netns },
  ];
}

function slotOf(id: string, room: number): number {
  const slot = new RegExp(`^${ID_PATTERN}$`).test(id) ? Number.parseInt(id, 16) : Number.NaN;
  if (slot < room) return slot;
  const last = (room - 1).toString(16).padStart(4, "0");
  throw usageError(`"${id}" is not a testbed's id`, `four hexadecimal digits, 0000 to ${last}`);
}

function isTaken(id: string): KomonError {
  return new KomonError({
    what: `cannot build testbed ${id}`,
    why: "a namespace, a device or an address it would have exists on this host",
    mend: "leave --id out to have a free one chosen; komon testbed status shows komon's own",
  });
}
