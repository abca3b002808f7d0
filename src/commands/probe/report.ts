/** What `komon probe` hands out: one object per host, and the sums over all. */

import { AF_INET } from "../../kernel/address.ts";
import { komonAnswerKind, komonProbeCounters } from "../../kernel/generated/probe.ts";
import type { Summary } from "../../model/result.ts";
import type { ProbeCounters } from "../../probes/active/slots.ts";
import { addressText } from "../../probing/errorQueue.ts";
import type { UnknownHost } from "../../probing/hosts.ts";
import type { SessionOptions } from "../../probing/plan.ts";
import type { Samples } from "../../probing/samples.ts";
import type { Session } from "../../probing/session.ts";
import { Tally } from "../../probing/tally.ts";
import type { TrainReport, Trains } from "../../probing/train.ts";

/** Times of a host; null where there is none. */
export interface RttReport {
  readonly min_ns: number | null;
  readonly mean_ns: number | null;
  readonly max_ns: number | null;
  readonly sd_ns: number | null;
  readonly p50_ns: number | null;
  readonly p90_ns: number | null;
  readonly p99_ns: number | null;
}

export interface HostReport {
  readonly target: string;
  readonly address: string | null;
  readonly device: string | null;
  readonly rung: string | null;
  readonly sent: number;
  readonly received: number;
  readonly in_flight: number;
  /** 0…1 of those whose fate is known; null when nothing was sent. */
  readonly loss: number | null;
  readonly duplicates: number;
  readonly reordered: number;
  readonly late: number;
  /** TCP: who answered with what; UDP: the datagram itself, or the host's port unreachable. */
  readonly answers: {
    readonly echo: number;
    readonly unreachable: number;
    readonly syn_ack: number;
    readonly reset: number;
  };
  readonly ttl: number | null;
  readonly ttl_changes: number;
  readonly longest_outage_ns: number;
  readonly rtt: RttReport & {
    readonly jitter_ns: number | null;
    readonly ipdv_mean_ns: number | null;
    readonly ipdv_max_ns: number | null;
  };
  readonly user_rtt?: RttReport;
  /** How much more a process sees than the device does: difference of the means. */
  readonly user_minus_kernel_ns?: number | null;
  readonly forward?: RttReport;
  readonly backward?: RttReport;
  readonly turnaround?: RttReport;
  /** Of --train: estimates. */
  readonly train?: TrainReport;
  readonly errors: readonly { readonly meaning: string; readonly count: number }[];
}

export interface ProbeReport {
  readonly schema: "komon.probe/1";
  readonly kind: string;
  readonly port: number | null;
  readonly payload_bytes: number;
  readonly tx_rung: string | null;
  readonly devices: readonly {
    readonly name: string;
    readonly rung: string;
    readonly refused: readonly string[];
  }[];
  readonly interval_ns: number;
  readonly duration_ns: number;
  readonly sent: number;
  readonly received: number;
  readonly loss: number | null;
  /** At the hooks, all devices together. */
  readonly counters: Readonly<Record<string, number>>;
  readonly hosts: readonly HostReport[];
}

export function probeReport(
  session: Session,
  unknown: readonly UnknownHost[],
  trains: readonly Trains[] = [],
): ProbeReport {
  const unretired = session.unretiredLosses();
  const hosts = [
    ...session.hosts.map((_, host) => hostReport(session, host, unretired[host], trains[host])),
    ...[...session.plan.unreachable, ...unknown].map(silent),
  ];
  const sum = (of: (host: HostReport) => number) => hosts.reduce((n, host) => n + of(host), 0);
  const settled = sum((host) => host.sent - host.in_flight);
  const received = sum((host) => host.received);
  return {
    schema: "komon.probe/1",
    kind: session.options.kind,
    port: session.options.kind === "icmp" ? null : session.options.port,
    payload_bytes: session.options.payloadBytes,
    tx_rung: session.probe.txRung ?? null,
    devices: session.probe.attached.map(({ device, rung, refused }) => ({
      ...{ name: device.name, rung, refused },
    })),
    interval_ns: session.pace.gapNs * Math.max(1, session.hosts.length),
    duration_ns: session.endNs - session.startNs,
    sent: sum((host) => host.sent),
    received,
    loss: settled > 0 ? (settled - received) / settled : null,
    counters: snakeCase(session.probe.counters()),
    hosts,
  };
}

/** When there is nobody to probe. */
export function reportOfNobody(
  { kind, port, payloadBytes, intervalNs }: Omit<SessionOptions, "hosts">,
  unknown: readonly UnknownHost[],
): ProbeReport {
  const zeros = Object.keys(komonProbeCounters.fields).map((name) => [name, 0]);
  return {
    ...{ schema: "komon.probe/1", kind, port: kind === "icmp" ? null : port },
    ...{ payload_bytes: payloadBytes, tx_rung: null, devices: [], interval_ns: intervalNs },
    ...{ duration_ns: 0, sent: 0, received: 0, loss: null },
    counters: snakeCase(Object.fromEntries(zeros)),
    hosts: unknown.map(silent),
  };
}

function snakeCase(counters: ProbeCounters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

function hostReport(
  session: Session,
  host: number,
  unretired: number,
  trains: Trains | undefined,
): HostReport {
  const { tally } = session;
  const { target, address, device } = session.hosts[host];
  const at = session.probe.attached.find((one) => one.device.ifindex === device.ifindex);
  const sent = tally.sent[host];
  const lost = tally.lost[host] + unretired;
  const inFlight = sent - tally.received[host] - lost;
  const settled = sent - inFlight;
  const train = trains?.report();
  const rtt = times(tally.rtt[host]);
  const pairs = tally.ipdvPairs[host];
  const user = tally.userRtt[host].count > 0 ? times(tally.userRtt[host]) : undefined;
  const split = tally.turnaround[host].count > 0;
  const bytes = address.family === AF_INET ? address.bytes.slice(4, 8) : address.bytes.slice(8, 24);
  return {
    target,
    address: addressText(bytes),
    device: device.name,
    rung: at?.rung ?? null,
    sent,
    received: tally.received[host],
    in_flight: inFlight,
    loss: settled > 0 ? (settled - tally.received[host]) / settled : null,
    duplicates: tally.duplicates[host],
    reordered: tally.reordered[host],
    late: tally.late[host],
    answers: answersOf(session, host),
    ttl: tally.ttl[host] || null,
    ttl_changes: tally.ttlChanges[host],
    longest_outage_ns: tally.longestOutageNs[host],
    rtt: {
      ...rtt,
      jitter_ns: tally.rtt[host].count > 1 ? round(tally.jitterNs[host]) : null,
      ipdv_mean_ns: pairs > 0 ? round(tally.ipdvSumNs[host] / pairs) : null,
      ipdv_max_ns: pairs > 0 ? round(tally.ipdvMaxNs[host]) : null,
    },
    ...(user && {
      user_rtt: user,
      user_minus_kernel_ns: difference(user.mean_ns, rtt.mean_ns),
    }),
    ...(split && {
      forward: times(tally.forward[host]),
      backward: times(tally.backward[host]),
      turnaround: times(tally.turnaround[host]),
    }),
    ...(train && { train }),
    errors: [...(tally.errors.get(host) ?? [])].map(([meaning, count]) => ({ meaning, count })),
  };
}

function answersOf({ tally }: Session, host: number): HostReport["answers"] {
  const of = (kind: number) => tally.answers[host * Tally.kinds + kind];
  return {
    echo: of(komonAnswerKind.KOMON_ANSWER_ECHO),
    unreachable: of(komonAnswerKind.KOMON_ANSWER_UNREACHABLE),
    syn_ack: of(komonAnswerKind.KOMON_ANSWER_SYNACK),
    reset: of(komonAnswerKind.KOMON_ANSWER_RESET),
  };
}

function silent({ target, why }: UnknownHost): HostReport {
  const none = times(undefined);
  return {
    ...{ target, address: null, device: null, rung: null, sent: 0, received: 0, in_flight: 0 },
    answers: { echo: 0, unreachable: 0, syn_ack: 0, reset: 0 },
    ...{ loss: null, duplicates: 0, reordered: 0, late: 0, ttl: null, ttl_changes: 0 },
    longest_outage_ns: 0,
    rtt: { ...none, jitter_ns: null, ipdv_mean_ns: null, ipdv_max_ns: null },
    errors: [{ meaning: why, count: 1 }],
  };
}

function times(samples: Samples | undefined): RttReport {
  const s: Partial<Summary> = samples && samples.count > 0 ? samples.summary() : {};
  return {
    min_ns: round(s.min_ns),
    mean_ns: round(s.mean_ns),
    max_ns: round(s.max_ns),
    sd_ns: round(s.sd_ns),
    p50_ns: round(s.p50_ns),
    p90_ns: round(s.p90_ns),
    p99_ns: round(s.p99_ns),
  };
}

function round(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Math.round(value * 10) / 10;
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : round(a - b);
}
