/**
 * A testbed on paper: names, addresses and the iproute2 lines that make it, all from one number.
 *
 *   [komon-gen-ID]  gen ══ kmnIDin  [this namespace: the VNF]  kmnIDout ══ sink  [komon-sink-ID]
 *
 * The number (the slot) gives the id and the subnets, so two testbeds with different ids never
 * share an address.
 */
import { addressIn, type Prefix, parsePrefix, subnet } from "./prefix.ts";

/** RFC 2544, appendix C.2.2: addresses for benchmarks, which no network routes. */
export const BENCHMARK_RANGE = "198.18.0.0/15";
/** A unique local range (RFC 4193); the bytes after fd spell "komon". */
export const LOCAL_RANGE = "fd6b:6f6d:6f6e::/48";

/** Ids have four hexadecimal digits, from 0000 to 3fff. */
export const SLOTS = 0x4000;
export const ID_PATTERN = "[0-3][0-9a-f]{3}";

export interface Addresses {
  /** The generator's own. */
  readonly gen: string;
  readonly hostIn: string;
  readonly hostOut: string;
  /** Where the VNF sends to. Nobody has it: the sink's namespace swallows what comes. */
  readonly target: string;
  readonly genSubnet: Prefix;
  readonly sinkSubnet: Prefix;
}

export interface Macs {
  readonly gen: string;
  readonly in: string;
  readonly out: string;
  readonly sink: string;
}

export interface Layout {
  readonly id: string;
  readonly mtuBytes: number;
  readonly genNamespace: string;
  readonly sinkNamespace: string;
  readonly inDevice: string;
  readonly outDevice: string;
  readonly macs: Macs;
  readonly ipv4: Addresses;
  /** Undefined where IPv6 cannot be had. */
  readonly ipv6?: Addresses;
  /** The devices take part in IPv6 (even where addresses are refused) and must be kept silent. */
  readonly ipv6Devices: boolean;
}

export interface LayoutOptions {
  readonly slot: number;
  readonly mtuBytes: number;
  readonly range: Prefix;
  readonly ipv6: boolean;
  readonly ipv6Devices: boolean;
}

export function layOut({ slot, mtuBytes, range, ipv6, ipv6Devices }: LayoutOptions): Layout {
  const id = slot.toString(16).padStart(4, "0");
  const subnets = subnetsOf(slot, range);
  return {
    id,
    mtuBytes,
    ...namesOf(id),
    macs: randomMacs(),
    ipv4: addresses(subnets.gen4, subnets.sink4),
    ...(ipv6 && { ipv6: addresses(subnets.gen6, subnets.sink6) }),
    ipv6Devices,
  };
}

export function namesOf(id: string) {
  return {
    genNamespace: `komon-gen-${id}`,
    sinkNamespace: `komon-sink-${id}`,
    inDevice: `kmn${id}in`,
    outDevice: `kmn${id}out`,
  };
}

/** The four subnets of a slot: two /30 of IPv4, two /64 of IPv6. */
export function subnetsOf(slot: number, range: Prefix) {
  const local = parsePrefix(LOCAL_RANGE);
  return {
    gen4: subnet(range, 30, 2 * slot),
    sink4: subnet(range, 30, 2 * slot + 1),
    gen6: subnet(local, 64, 2 * slot),
    sink6: subnet(local, 64, 2 * slot + 1),
  };
}

function addresses(genSubnet: Prefix, sinkSubnet: Prefix): Addresses {
  return {
    hostIn: addressIn(genSubnet, 1),
    gen: addressIn(genSubnet, 2),
    hostOut: addressIn(sinkSubnet, 1),
    target: addressIn(sinkSubnet, 2),
    genSubnet,
    sinkSubnet,
  };
}

/** Locally administered unicast addresses; random, so that a device can be known again by it. */
function randomMacs(): Macs {
  const random = [...crypto.getRandomValues(new Uint8Array(3))];
  const stem = ["02", "6b", ...random.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
  return { gen: `${stem}:01`, in: `${stem}:02`, out: `${stem}:03`, sink: `${stem}:04` };
}
