import { monotonicNs } from "../../kernel/libc.ts";
import { type Column, formats } from "../../model/table.ts";
import type { TcpEvent } from "../../probes/tcp/event.ts";
import { defineCommand, flag } from "../define.ts";
import { filterArgs, filterOf } from "./filter.ts";
import { follow } from "./follow.ts";
import { clock, connectionColumns, isoTime, type Line, Lines, left, right } from "./output.ts";
import { connectionRow } from "./rows.ts";

const columns: readonly Column[] = [
  ...connectionColumns,
  { key: "sent_bytes", unit: "bytes" },
  { key: "received_bytes", unit: "bytes" },
  { key: "duration_ns", unit: "ns" },
  { key: "began_before", unit: "text" },
  { key: "retransmits", unit: "count" },
  { key: "rtt_samples", unit: "count" },
  { key: "rtt_min_ns", unit: "ns" },
  { key: "rtt_p50_ns", unit: "ns" },
  { key: "rtt_p95_ns", unit: "ns" },
  { key: "rtt_max_ns", unit: "ns" },
  { key: "reason", unit: "text" },
];

export default defineCommand({
  name: "trace tcplife",
  summary: "Prints a line for every TCP session that ends: who, where, how much, how long, why.",
  details: `Columns and letters are those of bcc's tcplife. Sessions that began before komon are there too:
their bytes are whole, their MS is how long komon saw them, with > before it.

The owner is who connected or accepted. END says who ended it: local or remote (the first FIN), reset \
(by the other side), abort (by this side), timeout.`,
  example: "komon trace tcplife -e -D 80,443",
  args: {
    time: flag.boolean({ help: "a column with the time, HH:MM:SS", alias: "T" }),
    timestamp: flag.boolean({ help: "a column with seconds since the start", alias: "t" }),
    wide: flag.boolean({ help: "wider columns, for IPv6", alias: "w" }),
    csv: flag.boolean({ help: "comma-separated, with bcc's columns", alias: "s" }),
    extended: flag.boolean({ help: "columns for retransmits, RTT and end", alias: "e" }),
    pid: flag.text({ help: "these processes only", alias: "p", hint: "PID,…" }),
    localport: flag.ports({ help: "these local ports only", alias: "L" }),
    remoteport: flag.ports({ help: "these remote ports only", alias: "D" }),
    ...filterArgs,
    duration: flag.duration({ help: "how long to trace" }),
    count: flag.int({ help: "sessions to print", min: 1, alias: "n" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  async run({ args, stop }) {
    const look = { ...args, extended: args.extended && !args.csv };
    const shape = { schema: "komon.trace.tcplife/1", columns };
    const lines = new Lines(args.csv ? "bcc-csv" : args.format, shape, headOf(look));
    const beginNs = monotonicNs();
    const code = await follow({
      what: "TCP sessions",
      stop,
      durationNs: args.duration,
      count: args.count,
      options: {
        rtt: true,
        events: ["closed"],
        connections: args.connections,
        filter: filterOf({ ...args, localPorts: args.localport, remotePorts: args.remoteport }),
      },
      onEvent(event) {
        lines.add(lineOf(event, look, beginNs));
        return true;
      },
    });
    lines.end();
    return code;
  },
});

interface Look {
  readonly time: boolean;
  readonly timestamp: boolean;
  readonly wide: boolean;
  readonly csv: boolean;
  readonly extended: boolean;
}

function headOf({ time, timestamp, wide, csv, extended }: Look): string {
  if (csv) {
    const cells = ["PID", "COMM", "IP", "LADDR", "LPORT", "RADDR", "RPORT", "TX_KB", "RX_KB", "MS"];
    return [...(time ? ["TIME"] : []), ...(timestamp ? ["TIME(s)"] : []), ...cells].join(",");
  }
  return assemble({
    times: [...(time ? [left("TIME", 8)] : []), ...(timestamp ? [left("TIME(s)", 9)] : [])],
    cells: ["PID", "COMM", "IP", "LADDR", "LPORT", "RADDR", "RPORT", "TX_KB", "RX_KB", "MS"],
    more: extended ? ["RETR", "RTTMIN", "RTTP95", "END"] : [],
    wide,
  });
}

function lineOf(event: TcpEvent, look: Look, beginNs: number): Line {
  const { connection: c, rttP50Ns, rttP95Ns, sentBytes, receivedBytes } = event;
  const before = c.startNs === undefined;
  const durationNs = event.timeNs - (c.startNs ?? beginNs);
  const at = isoTime(event.timeNs, monotonicNs());
  const row = {
    ...connectionRow(c, at),
    sent_bytes: sentBytes,
    received_bytes: receivedBytes,
    duration_ns: before ? null : durationNs,
    began_before: before,
    retransmits: event.retransmits,
    rtt_samples: c.rtt?.samples ?? 0,
    rtt_min_ns: c.rtt?.minNs,
    rtt_p50_ns: rttP50Ns,
    rtt_p95_ns: rttP95Ns,
    rtt_max_ns: c.rtt?.maxNs,
    reason: event.reason,
  };
  const ms = `${before ? ">" : ""}${(durationNs / 1e6).toFixed(2)}`;
  const kb = [sentBytes, receivedBytes].map((bytes) => Math.floor(bytes / 1024));
  const { pid, comm } = c.owner;
  const cells = [pid, comm, c.family, c.laddr, c.lport, c.raddr, c.rport, ...kb, ms].map(String);
  const seconds = ((event.timeNs - beginNs) / 1e9).toFixed(6);
  const times = [
    ...(look.time ? [clock(new Date(at))] : []),
    ...(look.timestamp ? [look.csv ? seconds : left(seconds, 9)] : []),
  ];
  const inMs = (ns: number | undefined) => (ns === undefined ? "-" : (ns / 1e6).toFixed(3));
  const more = [`${event.retransmits}`, inMs(c.rtt?.minNs), inMs(rttP95Ns), `${event.reason}`];
  const text = look.csv
    ? [...times, ...cells].join(",")
    : assemble({ times, cells, more: look.extended ? more : [], wide: look.wide });
  return { row, text };
}

interface Parts {
  readonly times: readonly string[];
  /** PID COMM IP LADDR LPORT RADDR RPORT TX_KB RX_KB MS */
  readonly cells: readonly string[];
  readonly more: readonly string[];
  readonly wide: boolean;
}

/** bcc's widths. Without -w the family is left out. */
function assemble({ times, cells, more, wide }: Parts): string {
  const [pid, comm, ip, laddr, lport, raddr, rport, tx, rx, ms] = cells;
  const address = wide ? 26 : 15;
  return [
    ...times,
    left(pid, 5),
    left(comm, wide ? 16 : 10, true),
    ...(wide ? [left(ip, 2)] : []),
    left(laddr, address),
    left(lport, 5),
    left(raddr, address),
    left(rport, 5),
    right(tx, wide ? 6 : 5),
    right(rx, wide ? 6 : 5),
    more.length > 0 ? left(ms, 8) : ms,
    ...more.map((text, i) => (i < 3 ? right(text, i === 0 ? 4 : 7) : text)),
  ].join(" ");
}
