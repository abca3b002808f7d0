/** The hosts of a probe's report as rows: all of it for CSV, and what fits beside each other for people. */
import type { Cell, Column, Row, Table, Unit } from "../../model/table.ts";
import type { HostReport, ProbeReport } from "./report.ts";

const named = (prefix: string, names: readonly string[], unit: Unit): Column[] =>
  names.map((name) => ({ key: `${prefix}${name}`, unit }));

const times = ["min_ns", "mean_ns", "max_ns", "sd_ns", "p50_ns", "p90_ns", "p99_ns"];
const varied = ["jitter_ns", "ipdv_mean_ns", "ipdv_max_ns"];
const spread = ["p10_bps", "p50_bps", "p90_bps"];

/** As in the JSON, with the names of what they lie in before them. */
const wide: readonly Column[] = [
  ...named("", ["target", "address", "device", "rung"], "text"),
  ...named("", ["sent", "received", "in_flight"], "count"),
  { key: "loss", unit: "ratio" },
  ...named("", ["duplicates", "reordered", "late", "ttl", "ttl_changes"], "count"),
  { key: "longest_outage_ns", unit: "ns" },
  ...named("rtt_", [...times, ...varied], "ns"),
  ...named("user_rtt_", times, "ns"),
  { key: "user_minus_kernel_ns", unit: "ns" },
  ...named("answers_", ["echo", "unreachable", "syn_ack", "reset"], "count"),
  ...["forward_", "backward_", "turnaround_"].flatMap((prefix) => named(prefix, times, "ns")),
  ...named("train_", ["trains", "complete", "probes_per_train"], "count"),
  { key: "train_packet_bytes", unit: "bytes" },
  ...["sent_", "available_", "capacity_"].flatMap((name) =>
    named(`train_${name}`, spread, "number"),
  ),
  { key: "train_is_lower_bound", unit: "text" },
  { key: "errors", unit: "text" },
];

/** One flat row per host, for CSV. */
export function flatTable(report: ProbeReport): Table {
  const rows = report.hosts.map(({ errors, ...host }) => ({
    ...flat(host),
    errors: errors.map(({ meaning, count }) => `${count} × ${meaning}`).join("; "),
  }));
  return { schema: report.schema, columns: wide, rows };
}

/** `{ rtt: { min_ns: 1 } }` as `{ rtt_min_ns: 1 }`. */
function flat(of: object, prefix = ""): Row {
  const cells = Object.entries(of).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null
      ? Object.entries(flat(value, `${prefix}${key}_`))
      : [[`${prefix}${key}`, value as Cell] as const],
  );
  return Object.fromEntries(cells);
}

/** For people: what fits beside each other. */
export function hostTable(hosts: readonly HostReport[]): Table {
  return {
    schema: "komon.probe/1",
    columns: [
      { key: "target", title: "host", unit: "text" },
      { key: "sent", unit: "count" },
      { key: "received", title: "recv", unit: "count" },
      { key: "loss", unit: "ratio" },
      { key: "min", unit: "ns" },
      { key: "mean", title: "avg", unit: "ns" },
      { key: "max", unit: "ns" },
      { key: "sd", title: "stddev", unit: "ns" },
      { key: "jitter", unit: "ns" },
    ],
    rows: hosts.map(({ target, sent, received, loss, rtt }) => ({
      ...{ target, sent, received, loss },
      ...{ min: rtt.min_ns, mean: rtt.mean_ns, max: rtt.max_ns },
      ...{ sd: rtt.sd_ns, jitter: rtt.jitter_ns },
    })),
  };
}
