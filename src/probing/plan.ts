import { KomonError } from "../base/errors.ts";
import type { SocketAddress } from "../kernel/address.ts";
import { type Device, device, deviceNamed, routeTo } from "../kernel/device.ts";
import { Netlink } from "../kernel/netlink.ts";
import type { RungWish } from "../probes/active/rungs.ts";
import type { NamedHost, UnknownHost } from "./hosts.ts";
import type { Kind } from "./wire.ts";

export interface SessionOptions {
  readonly kind: Kind;
  /** UDP and TCP. */
  readonly port: number;
  readonly hosts: readonly NamedHost[];
  /** Probes to each host; else until it is stopped. */
  readonly count?: number | undefined;
  readonly durationNs?: number | undefined;
  readonly intervalNs: number;
  readonly gapNs: number;
  readonly rate?: number | undefined;
  readonly hostRate?: number | undefined;
  readonly flood: boolean;
  readonly backOff: boolean;
  readonly maxInFlight?: number | undefined;
  readonly timeoutNs: number;
  readonly payloadBytes: number;
  readonly ttl?: number | undefined;
  readonly tos?: number | undefined;
  readonly df: boolean;
  readonly interface?: string | undefined;
  readonly source?: SocketAddress | undefined;
  readonly drop: boolean;
  readonly hooks: RungWish;
  readonly reflected: boolean;
  /** Probes that leave back to back in a host's turn; at most 64. */
  readonly burst: number;
  readonly firstSequence: number;
  /** The process does nothing else, so waits may block it; else all waiting is left to the event loop. */
  readonly isAlone?: boolean;
  /** Times of each probe are kept, for -C. */
  readonly keepRtts: boolean;
}

/** A host and the way to it. */
export interface PlannedHost extends NamedHost {
  readonly device: Device;
  readonly source: Uint8Array | undefined;
}

export interface Plan {
  readonly hosts: readonly PlannedHost[];
  readonly devices: readonly Device[];
  /** Hosts that cannot be probed at all. */
  readonly unreachable: readonly UnknownHost[];
}

/** Finds each host's way out, for itself. Fails only when the interface that was asked for is of no use. */
export function plan(options: Pick<SessionOptions, "hosts" | "interface" | "source">): Plan {
  using netlink = new Netlink();
  const wanted = options.interface === undefined ? undefined : deviceNamed(options.interface);
  if (wanted && !wanted.isUp) throw down(wanted.name);
  const devices = new Map<number, Device>();
  const hosts: PlannedHost[] = [];
  const unreachable: UnknownHost[] = [];
  for (const host of options.hosts) {
    try {
      const { source } = options;
      const way = routeTo(netlink, host.address, {
        ifindex: wanted?.ifindex,
        source: source?.family === host.address.family ? source : undefined,
      });
      const out = devices.get(way.ifindex) ?? device(way.ifindex);
      if (!out) throw new KomonError({ what: "its route leads to a device that is gone" });
      devices.set(way.ifindex, out);
      hosts.push({ ...host, device: out, source: way.source });
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      const from = options.source === undefined ? "" : ` from ${options.source.host}`;
      unreachable.push({ target: host.target, why: `no route${from}: ${error.why ?? error.what}` });
    }
  }
  return { hosts, devices: [...devices.values()], unreachable };
}

function down(name: string): KomonError {
  return new KomonError({
    what: `cannot probe by the interface ${name}`,
    why: "it is down",
    mend: `ip link set ${name} up`,
  });
}
