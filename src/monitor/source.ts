/** What is watched, as the monitor sees it: totals since the probe was opened, looked at now and then. */
import { monotonicNs } from "../kernel/libc.ts";
import type { Span } from "../model/spans.ts";
import { spanNames } from "../model/spans.ts";
import type { Deadline } from "../probes/deadline.ts";
import type { ForwardProbe } from "../probes/forward/probe.ts";
import type { SpanHistogram } from "../probes/histograms.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";

/** Where packets went, since the probe was opened; `inFlight` and `depth` are of this moment. */
export interface Account {
  readonly seen: number;
  readonly matched: number;
  readonly expired: number;
  /** Freed by the stack: a full socket buffer, no route. */
  readonly expiredStack: number;
  /** Read and not sent; when forwarded: not seen to go out. */
  readonly expiredUnsent: number;
  /** Never read. */
  readonly expiredUnread: number;
  readonly collided: number;
  readonly filtered: number;
  /** Runs of programs that the kernel left out: packets may have been missed. */
  readonly lost: number;
  readonly inFlight: number;
}

export interface Look {
  readonly atNs: number;
  readonly spans: ReadonlyMap<Span, SpanHistogram>;
  readonly account: Account;
  /** Packets that wait in the VNF's sockets; when forwarded: inside the host. */
  readonly depth: number;
  readonly deadline: Deadline | undefined;
}

export interface Source {
  /** For people: `port 1234`. */
  readonly name: string;
  readonly port: number | undefined;
  readonly spans: readonly Span[];
  look(): Look;
}

export function vnfSource(probe: VnfProbe, vnf: number, port: number, deadline: boolean): Source {
  const watched = spanNames.filter(
    (span) => (span !== "egress" && span !== "total") || probe.hooks.has("tx"),
  );
  const spans = watched.filter((span) => span !== "total" || probe.hooks.has("nic"));
  return {
    name: `port ${port}`,
    port,
    spans,
    look() {
      const c = probe.coverage(vnf);
      return {
        atNs: monotonicNs(),
        spans: new Map(spans.map((span) => [span, probe.histogram(vnf, span)])),
        account: {
          seen: c.seen,
          matched: c.matched,
          expired: c.expired,
          expiredStack: c.expired_by.stack,
          expiredUnsent: c.expired_by.unsent,
          expiredUnread: c.expired_by.unread,
          collided: c.collided,
          filtered: c.filtered,
          lost: c.recursion_misses,
          inFlight: c.in_flight,
        },
        depth: probe.queued(vnf),
        deadline: deadline ? probe.deadline(vnf) : undefined,
      };
    },
  };
}

export function forwardSource(probe: ForwardProbe, name: string, deadline: boolean): Source {
  return {
    name,
    port: undefined,
    spans: ["total"],
    look() {
      const c = probe.coverage();
      return {
        atNs: monotonicNs(),
        spans: new Map([["total", probe.histogram()]]),
        account: {
          seen: c.seen,
          matched: c.matched,
          expired: c.expired,
          expiredStack: c.dropped,
          expiredUnsent: c.unsent,
          expiredUnread: 0,
          collided: c.collided,
          filtered: c.filtered,
          lost: c.recursionMisses,
          inFlight: c.inFlight,
        },
        depth: c.inFlight,
        deadline: deadline ? probe.deadline() : undefined,
      };
    },
  };
}
