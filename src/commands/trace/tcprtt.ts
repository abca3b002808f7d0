import { print } from "../../base/output.ts";
import { parseDurationNs } from "../../base/units.ts";
import { type Column, formats, type Row } from "../../model/table.ts";
import type { TcpConnection } from "../../probes/tcp/connection.ts";
import type { RttGroup } from "../../probes/tcp/groups.ts";
import { type Grouping, groupings } from "../../probes/tcp/options.ts";
import type { TcpProbe } from "../../probes/tcp/probe.ts";
import { formatTable } from "../../sinks/format.ts";
import { Histogram } from "../../stats/histogram.ts";
import { defineCommand, flag } from "../define.ts";
import { filterArgs, filterOf, secondsOrDuration } from "./filter.ts";
import { follow } from "./follow.ts";
import { logHistogram } from "./logHistogram.ts";
import { clock, Lines } from "./output.ts";

const columns: readonly Column[] = [
  { key: "time", unit: "text" },
  { key: "group", unit: "text" },
  { key: "samples", unit: "count" },
  { key: "min_ns", title: "min", unit: "ns" },
  { key: "p50_ns", title: "p50", unit: "ns" },
  { key: "p95_ns", title: "p95", unit: "ns" },
  { key: "p99_ns", title: "p99", unit: "ns" },
  { key: "max_ns", title: "max", unit: "ns" },
  { key: "mean_ns", title: "mean", unit: "ns" },
  { key: "srtt_ns", title: "srtt", unit: "ns" },
  { key: "mdev_ns", title: "mdev", unit: "ns" },
];
const shape = { schema: "komon.trace.tcprtt/1", columns };

export default defineCommand({
  name: "trace tcprtt",
  summary: "Shows the round-trip times of TCP connections, one sample per acknowledgement.",
  details: `Letters and histograms are those of bcc's tcprtt, but the samples are true ones: each is what the \
kernel measured at an acknowledgement, where bcc takes the smoothed value at every packet.

--by subnet, process or connection prints a table instead of histograms: samples, min, median, p95, max, and \
srtt and mdev as RFC 6298 makes them from the samples.`,
  example: "komon trace tcprtt -i 1 -d 10 -m",
  args: {
    interval: flag.text({
      help: "print every so often; seconds",
      alias: "i",
      hint: "SECONDS|TIME",
    }),
    duration: flag.text({ help: "how long to trace; seconds", alias: "d", hint: "SECONDS|TIME" }),
    timestamp: flag.boolean({ help: "the time before each output", alias: "T" }),
    milliseconds: flag.boolean({ help: "histograms in milliseconds", alias: "m" }),
    lport: flag.ports({ help: "these local ports only", alias: "p" }),
    rport: flag.ports({ help: "these remote ports only", alias: "P" }),
    laddr: flag.text({ help: "this local address only", alias: "a", hint: "ADDRESS" }),
    raddr: flag.text({ help: "this remote address only", alias: "A", hint: "ADDRESS" }),
    byladdr: flag.boolean({ help: "a histogram for each local address", alias: "b" }),
    byraddr: flag.boolean({ help: "a histogram for each remote address", alias: "B" }),
    extension: flag.boolean({ help: "average, min, srtt and mdev, too", alias: "e" }),
    by: flag.choice([...groupings.filter((g) => g !== "total"), "connection"], {
      help: "a table with a row for each",
    }),
    groups: flag.int({ help: "before the rest is one", default: 1000, min: 1, max: 100_000 }),
    prefix4: flag.int({ help: "bits of an IPv4 subnet", default: 24, min: 0, max: 32 }),
    prefix6: flag.int({ help: "bits of an IPv6 subnet", default: 64, min: 0, max: 128 }),
    pid: flag.text({ help: "these processes only", hint: "PID,…" }),
    debug: flag.boolean({ help: "name the hooks in use", alias: "D" }),
    ...filterArgs,
    count: flag.int({ help: "outputs before it ends", min: 1, alias: "n" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  async run({ args, stop }) {
    const grouping = groupingOf(args);
    const report = new Report(args, grouping);
    const code = await follow({
      what: "TCP RTT",
      stop,
      durationNs: timeNs(args.duration, 1),
      intervalNs: timeNs(args.interval, 1e6),
      count: args.count,
      debug: args.debug,
      options: {
        rtt: true,
        returns: args.pid !== undefined || args.cgroup !== undefined || args.by !== undefined,
        events: args.by === "connection" ? ["closed"] : [],
        connections: args.connections,
        groupBy: grouping,
        groups: args.groups,
        prefix4: args.prefix4,
        prefix6: args.prefix6,
        filter: filterOf({ ...args, localPorts: args.lport, remotePorts: args.rport }),
      },
      onEvent: ({ connection, rttP50Ns, rttP95Ns }) => {
        report.closed(connection, rttP50Ns, rttP95Ns);
        return false;
      },
      onInterval: (probe) => report.print(probe),
    });
    report.end();
    return code;
  },
});

function timeNs(text: string | undefined, min: number): number | undefined {
  return text === undefined ? undefined : parseDurationNs(secondsOrDuration(text), { min });
}

interface ReportArgs {
  readonly byladdr: boolean;
  readonly byraddr: boolean;
  readonly by: string | undefined;
  readonly timestamp: boolean;
  readonly milliseconds: boolean;
  readonly extension: boolean;
  readonly format: (typeof formats)[number];
}

function groupingOf({ byladdr, byraddr, by }: ReportArgs): Grouping {
  if (byraddr) return "raddr";
  if (byladdr) return "laddr";
  return groupings.find((one) => one === by) ?? "total";
}

/** Prints what came since the last output. */
class Report {
  readonly #args: ReportArgs;
  readonly #grouping: Grouping;
  readonly #before = new Map<string, { histogram: Histogram; sumNs: number }>();
  readonly #closed: Row[] = [];
  readonly #lines: Lines | undefined;

  constructor(args: ReportArgs, grouping: Grouping) {
    this.#args = args;
    this.#grouping = grouping;
    this.#lines = args.format === "table" ? undefined : new Lines(args.format, shape, "");
  }

  closed(c: TcpConnection, p50Ns: number | undefined, p95Ns: number | undefined): void {
    if (c.rtt) this.#closed.push(connectionRow(c, new Date().toISOString(), p50Ns, p95Ns));
  }

  print(probe: TcpProbe): number {
    const time = new Date().toISOString();
    if (this.#args.timestamp && this.#args.format === "table") print(`${clock()}\n`);
    if (this.#args.by === "connection") this.#printRows(this.#connections(probe, time));
    else this.#printGroups(probe.groups(), time);
    return 1;
  }

  end(): void {
    this.#lines?.end();
  }

  #connections(probe: TcpProbe, time: string): Row[] {
    const living = [...probe.connections()].filter(({ connection }) => connection.rtt);
    return [
      ...this.#closed.splice(0),
      ...living.map((l) => connectionRow(l.connection, time, l.rttP50Ns, l.rttP95Ns)),
    ];
  }

  #printGroups(groups: readonly RttGroup[], time: string): void {
    const asTable = this.#args.format !== "table" || this.#args.by !== undefined;
    const rows: Row[] = [];
    for (const group of groups) {
      const before = this.#before.get(group.name);
      const { histogramUs: now, sumNs } = group;
      const since = before ? now.since(before.histogram) : now;
      const samples = since.count;
      this.#before.set(group.name, { histogram: now, sumNs });
      if (samples === 0) continue;
      const meanNs = (sumNs - (before?.sumNs ?? 0)) / samples;
      if (asTable) rows.push(groupRow(group, since, meanNs, before === undefined, time));
      else print(this.#histogram(group, since, meanNs));
    }
    if (asTable) this.#printRows(rows);
    else if (this.#grouping === "total" && groups.length === 0) {
      print(logHistogram(new Histogram(), this.#unit));
    }
  }

  #printRows(rows: readonly Row[]): void {
    for (const row of rows) this.#lines?.add({ row, text: "" });
    if (this.#lines) return;
    const byConnection = this.#args.by === "connection";
    const shown = columns.filter(
      ({ key }) => key !== "time" && (key !== "p99_ns" || !byConnection),
    );
    // Two addresses and ports do not fit into 80 columns.
    const options = byConnection ? { width: 150 } : {};
    print(formatTable("table", { ...shape, columns: shown, rows }, options));
  }

  get #unit(): string {
    return this.#args.milliseconds ? "msecs" : "usecs";
  }

  #histogram(group: RttGroup, since: Histogram, meanNs: number): string {
    const { milliseconds, extension } = this.#args;
    const labels: Partial<Record<Grouping, string>> = {
      laddr: `Local Address = ${group.name}`,
      raddr: `Remote Address = ${group.name}`,
    };
    const scale = (ns: number) => Math.round(ns / (milliseconds ? 1e6 : 1e3));
    const numbers = extension
      ? ` [AVG ${scale(meanNs)}] [MIN ${scale(group.minNs)} SRTT ${scale(group.srttNs)} MDEV ${scale(group.mdevNs)}]`
      : "";
    const label = labels[this.#grouping] ?? (extension ? "All Addresses = *******" : "");
    const head = label || numbers ? `${label}${numbers}\n` : "";
    return `${head}${logHistogram(since, this.#unit, milliseconds ? 1000 : 1)}\n`;
  }
}

function groupRow(
  group: RttGroup,
  since: Histogram,
  meanNs: number,
  isFirst: boolean,
  time: string,
): Row {
  const maxNs = isFirst ? group.maxNs : Math.min(group.maxNs, since.max() * 1000);
  const at = (q: number) => Math.min(since.quantile(q).value * 1000, maxNs);
  return {
    time,
    group: group.name,
    samples: since.count,
    // Minimum and maximum are exact since the start; of a later interval the bucket is known.
    min_ns: isFirst ? group.minNs : since.quantile(0).lower * 1000,
    p50_ns: at(0.5),
    p95_ns: at(0.95),
    p99_ns: at(0.99),
    max_ns: maxNs,
    mean_ns: meanNs,
    srtt_ns: group.srttNs,
    mdev_ns: group.mdevNs,
  };
}

function connectionRow(c: TcpConnection, time: string, p50Ns?: number, p95Ns?: number): Row {
  const [here, there] = [
    c.family === 6 ? `[${c.laddr}]:${c.lport}` : `${c.laddr}:${c.lport}`,
    c.family === 6 ? `[${c.raddr}]:${c.rport}` : `${c.raddr}:${c.rport}`,
  ];
  return {
    time,
    group: `${here} → ${there}`,
    samples: c.rtt?.samples,
    min_ns: c.rtt?.minNs,
    p50_ns: p50Ns,
    p95_ns: p95Ns,
    p99_ns: undefined,
    max_ns: c.rtt?.maxNs,
    mean_ns: c.rtt?.meanNs,
    srtt_ns: c.rtt?.srttNs,
    mdev_ns: c.rtt?.mdevNs,
  };
}
