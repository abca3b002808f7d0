/** Lines for people, in ping's and fping's manner. */
import { print } from "../../base/output.ts";
import { printable } from "../../base/printable.ts";
import { formatNs, formatRate } from "../../base/units.ts";
import { AF_INET } from "../../kernel/address.ts";
import { komonAnswerKind } from "../../kernel/generated/probe.ts";
import { realtimeNs } from "../../kernel/libc.ts";
import { rungSentence } from "../../probes/active/rungs.ts";
import type { Listener } from "../../probing/listener.ts";
import type { Session } from "../../probing/session.ts";
import type { Spread, TrainReport } from "../../probing/train.ts";
import { packetBytes } from "../../probing/wire.ts";
import { table } from "../../sinks/table.ts";
import type { HostReport, ProbeReport, RttReport } from "./report.ts";
import { hostTable } from "./tables.ts";

const answerNames: Readonly<Record<number, string>> = {
  [komonAnswerKind.KOMON_ANSWER_UNREACHABLE]: ", port unreachable",
  [komonAnswerKind.KOMON_ANSWER_SYNACK]: ", SYN-ACK: open",
  [komonAnswerKind.KOMON_ANSWER_RESET]: ", RST: closed",
};

/** The first lines. `isSilent`: nothing more is printed until it ends. `isVerbose`: with what each rung is. */
export function heading(session: Session, isSilent: boolean, isVerbose: boolean): string {
  const { hosts, options, probe } = session;
  const what = options.kind === "icmp" ? "" : ` ${options.kind} port ${options.port}`;
  const whom =
    hosts.length === 1
      ? `${printable(hosts[0].target)} (${hosts[0].address.host})`
      : `${hosts.length} hosts`;
  const size = options.kind === "tcp" ? "" : `, ${options.payloadBytes} bytes of payload`;
  const where = probe.attached
    .map(({ device, rung, refused }) => {
      const better = refused.length > 0 ? `; not ${refused.join("; not ")}` : "";
      const done = options.drop ? "stamped and dropped" : "stamped";
      const what = isVerbose ? ` (${rungSentence[rung]})` : "";
      return `  ${device.name}: answers ${done} at ${rung}${what}${better}\n`;
    })
    .join("");
  const isEndless = options.count === undefined && options.durationNs === undefined;
  const hint =
    isEndless && isSilent
      ? "  until Ctrl-C; -v prints each answer, -Q 10 a table every 10 s\n"
      : "";
  return `PROBE ${whom}${what}${size}\n${where}${hint}`;
}

/** A line per reply. */
export function liveLines(session: Session, withTime: boolean): Listener {
  const many = session.hosts.length > 1;
  const label = (host: number) => session.hosts[host].address.host;
  const sequenceName = session.options.kind === "icmp" ? "icmp_seq" : "seq";
  const bytesOf = (host: number) => {
    const { family } = session.hosts[host].address;
    return packetBytes(session.wire, family) - (family === AF_INET ? 20 : 40);
  };
  const say = (text: string) => print(`${withTime ? `[${clock()}] ` : ""}${text}\n`);
  const time = (rttNs: number) => (Number.isNaN(rttNs) ? "unknown" : formatNs(rttNs));
  return {
    reply(host, number, rttNs, userRttNs, answer) {
      const user = Number.isNaN(userRttNs)
        ? ""
        : ` user=${formatNs(userRttNs)} (+${formatNs(userRttNs - rttNs)})`;
      const kind = answerNames[answer.kind] ?? "";
      const far = answer.isReflected
        ? ` turnaround=${formatNs(answer.farSendNs - answer.farReceiveNs)}`
        : "";
      const size = kind === "" ? `${bytesOf(host)} bytes` : "answer";
      say(
        `${size} from ${label(host)}: ${sequenceName}=${number} ttl=${answer.ttl} time=${time(rttNs)}${user}${far}${kind}`,
      );
    },
    duplicate(host, number, rttNs) {
      say(`duplicate from ${label(host)}: ${sequenceName}=${number} time=${time(rttNs)}`);
    },
    late(host, number, rttNs) {
      say(`late from ${label(host)}: ${sequenceName}=${number} time=${time(rttNs)}`);
    },
    lost(host, number) {
      say(`no answer from ${label(host)}: ${sequenceName}=${number}`);
    },
    error(host, number, meaning, from) {
      const which = Number.isNaN(number) ? "" : ` ${sequenceName}=${number}`;
      const whose = many || from !== label(host) ? ` (to ${label(host)})` : "";
      say(from ? `from ${from}:${which} ${meaning}${whose}` : `${label(host)}:${which} ${meaning}`);
    },
  };
}

function clock(): string {
  return (realtimeNs() / 1e9).toFixed(6);
}

export function percent(loss: number | null): string {
  if (loss === null) return "-";
  return `${Number((loss * 100).toPrecision(3))} %`;
}

/** The summary of one host, in ping's manner. */
export function hostSummary(host: HostReport, kind: string): string {
  const lines = [`--- ${printable(host.target)} ${kind} statistics ---`];
  const pending = host.in_flight > 0 ? `, ${host.in_flight} on the way` : "";
  lines.push(
    `${host.sent} sent, ${host.received} received, ${percent(host.loss)} loss${pending}, ` +
      `${host.duplicates} duplicates, ${host.reordered} reordered, ${host.late} late`,
  );
  if (host.rtt.mean_ns !== null) {
    lines.push(`rtt min/avg/max/stddev = ${spread(host.rtt)}`);
    lines.push(`rtt p50/p90/p99 = ${list(host.rtt.p50_ns, host.rtt.p90_ns, host.rtt.p99_ns)}`);
  }
  if (host.rtt.jitter_ns !== null) {
    const { jitter_ns, ipdv_mean_ns, ipdv_max_ns } = host.rtt;
    const ipdv = ipdv_mean_ns === null ? "" : `; IPDV avg/max = ${list(ipdv_mean_ns, ipdv_max_ns)}`;
    lines.push(`jitter = ${ns(jitter_ns)}${ipdv}`);
  }
  if (host.user_rtt) {
    lines.push(`seen by a process min/avg/max/stddev = ${spread(host.user_rtt)}`);
    lines.push(`  ${ns(host.user_minus_kernel_ns ?? null)} more than at the device, on average`);
  }
  if (host.forward && host.backward && host.turnaround) {
    lines.push(`turn-around min/avg/max/stddev = ${spread(host.turnaround)}`);
    lines.push(`forward min/avg/max/stddev = ${spread(host.forward)}`);
    lines.push(`backward min/avg/max/stddev = ${spread(host.backward)}`);
  }
  if (host.train) lines.push(...trainLines(host.train));
  if (host.ttl !== null && host.ttl_changes > 0)
    lines.push(`TTL changed ${host.ttl_changes} times`);
  if (host.longest_outage_ns > 0) lines.push(`longest outage ${formatNs(host.longest_outage_ns)}`);
  for (const { meaning, count } of host.errors) lines.push(`${count} × ${printable(meaning)}`);
  return `${lines.join("\n")}\n`;
}

function trainLines({ trains, complete, probes_per_train, ...t }: TrainReport): string[] {
  const range = ({ p10_bps, p50_bps, p90_bps }: Spread) =>
    `${bps(p50_bps)} (p10 ${bps(p10_bps)}, p90 ${bps(p90_bps)})`;
  return [
    `${complete} of ${trains} trains of ${probes_per_train} × ${t.packet_bytes} bytes whole, sent at ${range(t.sent)}`,
    `available bandwidth, estimated: ${t.is_lower_bound ? "at least " : ""}${range(t.available)}`,
    `capacity of the narrowest part, estimated: ${range(t.capacity)}`,
  ];
}

/** `94.1 Mbit/s` */
function bps(rate: number): string {
  return formatRate(rate).replace("pps", "bit/s");
}

/** The table of many hosts, then what was out of the ordinary. */
export function manySummary(report: ProbeReport): string {
  const remarks = report.hosts.flatMap((host) => {
    const said = [
      ...(
        [
          [host.duplicates, "duplicates"],
          [host.reordered, "reordered"],
          [host.late, "late"],
          [host.ttl_changes, "TTL changes"],
        ] as const
      )
        .filter(([count]) => count > 0)
        .map(([count, name]) => `${count} ${name}`),
      ...(host.longest_outage_ns > 0 ? [`longest outage ${formatNs(host.longest_outage_ns)}`] : []),
      ...(host.train ? trainLines(host.train).slice(1) : []),
      ...host.errors.map(({ meaning, count }) => `${count} × ${meaning}`),
    ];
    return said.length > 0 ? [`${printable(`${host.target}: ${said.join(", ")}`)}\n`] : [];
  });
  return table(hostTable(report.hosts)) + remarks.join("");
}

/** fping -C: `host : 0.091204 - 0.037011`, milliseconds. */
export function everyTime(session: Session): string {
  const names = session.hosts.map(({ target }) => printable(target));
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name, host) => {
      const times = [...session.tally.rttsOf(host)].map((one) =>
        Number.isNaN(one) ? "-" : (one / 1e6).toFixed(6),
      );
      return `${name.padEnd(width)} : ${times.join(" ")}\n`;
    })
    .join("");
}

/** fping -s. */
export function totals(report: ProbeReport): string {
  const alive = report.hosts.filter(({ received }) => received > 0).length;
  const { seen, foreign, matched, dropped, passed, stale, forged, truncated } = report.counters;
  const seconds = report.duration_ns / 1e9;
  const rate = seconds > 0 ? Math.round(report.sent / seconds) : 0;
  return [
    `${report.hosts.length} targets, ${alive} alive, ${report.hosts.length - alive} unreachable`,
    `${report.sent} probes sent, ${report.received} answers received, ${percent(report.loss)} loss`,
    `${seconds.toFixed(3)} s elapsed, ${rate} probes/s`,
    `at the hooks: ${seen} packets came by, ${foreign} not ours and untouched, ${matched} matched, ` +
      `${dropped} dropped, ${passed} let pass`,
    `  ${stale} too late for a slot, ${forged} forged, ${truncated} truncated`,
    "",
  ].join("\n");
}

const ns = (value: number | null) => (value === null ? "-" : formatNs(value));
const list = (...values: (number | null)[]) => values.map(ns).join(" / ");

function spread({ min_ns, mean_ns, max_ns, sd_ns }: RttReport): string {
  return list(min_ns, mean_ns, max_ns, sd_ns);
}
