import { monotonicNs } from "../../kernel/libc.ts";
import { type Column, formats } from "../../model/table.ts";
import type { TcpEvent } from "../../probes/tcp/event.ts";
import { defineCommand, flag, positional } from "../define.ts";
import { filterArgs, filterOf } from "./filter.ts";
import { follow } from "./follow.ts";
import { connectionColumns, isoTime, type Line, Lines, left } from "./output.ts";
import { connectionRow } from "./rows.ts";

const columns: readonly Column[] = [
  ...connectionColumns,
  { key: "kind", unit: "text" },
  { key: "latency_ns", unit: "ns" },
  { key: "handshake_ns", unit: "ns" },
  { key: "retransmits", unit: "count" },
  { key: "reason", unit: "text" },
];

export default defineCommand({
  name: "trace tcpconnlat",
  summary: "Prints how long every TCP connect took, the failed ones too.",
  details: `Columns and letters are those of bcc's tcpconnlat. LAT(ms) is how long the program waits: \
until a blocking connect returns, else until the answer comes (which is what bcc shows; handshake_ns in \
--format json is always that). RESULT is empty when the connection stands, else it says how the attempt ended: refused, \
timeout, reset, cancelled (the program gave up), or an error such as EHOSTUNREACH.

With --accept there is a line for every connection that a server accepts, too: LAT(ms) is then how long it had \
waited, SADDR the client, and RESULT says accepted.`,
  example: "komon trace tcpconnlat 1 -L",
  args: {
    durationMs: positional.float({ help: "leave out what took less, in ms", min: 0 }),
    timestamp: flag.boolean({ help: "a column with seconds since the start", alias: "t" }),
    pid: flag.text({ help: "these processes only", alias: "p", hint: "PID,…" }),
    lport: flag.boolean({ help: "a column with the local port", alias: "L" }),
    accept: flag.boolean({ help: "connections that servers accept, too" }),
    port: flag.ports({ help: "these destination ports only" }),
    ...filterArgs,
    duration: flag.duration({ help: "how long to trace" }),
    count: flag.int({ help: "lines to print", min: 1, alias: "n" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  async run({ args, stop }) {
    const shape = { schema: "komon.trace.tcpconnlat/1", columns };
    const head = assemble(
      { time: "TIME(s)", pid: "PID", comm: "COMM", ip: "IP", source: "SADDR", lport: "LPORT" },
      { destination: "DADDR", dport: "DPORT", latency: "LAT(ms)", result: "RESULT" },
      args,
    );
    const lines = new Lines(args.format, shape, head);
    const beginNs = monotonicNs();
    const code = await follow({
      what: "TCP connects",
      stop,
      durationNs: args.duration,
      count: args.count,
      options: {
        events: ["connected", "failed", ...(args.accept ? (["accepted"] as const) : [])],
        connections: args.connections,
        filter: filterOf(args),
      },
      onEvent(event) {
        const { connection: c } = event;
        const dport = event.kind === "accepted" ? c.lport : c.rport;
        if (args.port && !args.port.includes(dport)) return false;
        const latencyNs = latencyOf(event);
        if (latencyNs < (args.durationMs ?? 0) * 1e6) return false;
        lines.add(lineOf(event, latencyNs, args, beginNs));
        return true;
      },
    });
    lines.end();
    return code;
  },
});

/** From the connect call, or for an accepted connection from the end of its handshake. */
function latencyOf({ kind, timeNs, connection: c }: TcpEvent): number {
  return timeNs - ((kind === "accepted" ? c.establishedNs : c.startNs) ?? timeNs);
}

function lineOf(event: TcpEvent, latencyNs: number, look: Look, beginNs: number): Line {
  const { kind, connection: c, reason, retransmits } = event;
  const time = isoTime(event.timeNs, monotonicNs());
  const handshake = c.establishedNs && c.role === "client" && c.establishedNs - (c.startNs ?? 0);
  const row = {
    ...connectionRow(c, time),
    kind,
    latency_ns: latencyNs,
    handshake_ns: handshake || null,
    retransmits,
    reason,
  };
  const [here, there] = [
    { address: c.laddr, port: c.lport },
    { address: c.raddr, port: c.rport },
  ];
  const [from, to] = kind === "accepted" ? [there, here] : [here, there];
  const text = assemble(
    {
      time: ((event.timeNs - beginNs) / 1e9).toFixed(3),
      pid: String(c.owner.pid),
      comm: c.owner.comm,
      ip: String(c.family),
      source: from.address,
      lport: String(from.port),
    },
    {
      destination: to.address,
      dport: String(to.port),
      latency: (latencyNs / 1e6).toFixed(2),
      result: kind === "accepted" ? kind : (reason ?? ""),
    },
    look,
  );
  return { row, text };
}

interface Look {
  readonly timestamp: boolean;
  readonly lport: boolean;
}

type Begin = Readonly<Record<"time" | "pid" | "comm" | "ip" | "source" | "lport", string>>;
type End = Readonly<Record<"destination" | "dport" | "latency" | "result", string>>;

/** bcc's widths. */
function assemble(begin: Begin, end: End, look: Look): string {
  const cells = [
    ...(look.timestamp ? [left(begin.time, 9)] : []),
    left(begin.pid, 7),
    left(begin.comm, 12, true),
    left(begin.ip, 2),
    left(begin.source, 16),
    ...(look.lport ? [left(begin.lport, 6)] : []),
    left(end.destination, 16),
    left(end.dport, 5),
    end.result ? left(end.latency, 7) : end.latency,
    end.result,
  ];
  return cells.join(" ").trimEnd();
}
