import type { LoadReport } from "../../src/load/report.ts";
import type { Monitored } from "../support/monitor.ts";
import type { ProbeJson } from "../support/pair.ts";

/** What each of them says of the same packets. */
export interface Accounts {
  readonly load: LoadReport;
  readonly monitored: Monitored;
  /** komon_vnf_packets_total by outcome, and in_flight. */
  readonly exported: Readonly<Record<string, number>>;
  readonly probed: ProbeJson;
  /** Packets at the testbed's devices, as the veth driver counts them. */
  readonly devices: Readonly<Record<"gen_tx" | "in_rx" | "out_tx" | "sink_rx", number>>;
  /** Packets that the kernel dropped: at a full backlog behind these devices, and at full sockets. */
  readonly dropped: Readonly<Record<"generator" | "host" | "sockets", number>>;
}

/** Generator = probe = sink + lost by cause, in every account; what is not so, in words. */
export function complaints(all: Accounts): string[] {
  const { load, monitored, exported, probed, devices, dropped } = all;
  const sum = (column: string) => monitored.sum("service", column);
  const c = probed.counters;
  const answered = c.matched + c.copies + c.stale;
  const arrived = load.sent - dropped.generator;
  // An echo that comes after the probe's end is counted by the device alone.
  const lastEchoes = devices.gen_tx - arrived - answered;
  const equal: [string, number, number][] = [
    ["packets sent = seen by the monitor", arrived, sum("seen")],
    ["packets sent = seen by the exporter", arrived, exported.seen],
    ["echoes beside", Math.min(Math.max(lastEchoes, 0), probed.sent - answered), lastEchoes],
    ["sent by the generator's device = received by the host's", devices.gen_tx, devices.in_rx],
    ["matched = received by the sink", sum("matched"), devices.sink_rx + dropped.host],
    ["sent by the host's device = received by the sink", devices.out_tx, devices.sink_rx],
    ["matched = in the histogram", sum("matched"), sum("packets")],
    ["dropped by the stack = by the sockets' own account", sum("expired_stack"), dropped.sockets],
    [
      "expired = its causes",
      sum("expired"),
      sum("expired_stack") + sum("expired_unsent") + sum("expired_unread"),
    ],
    [
      "seen = matched + expired + collided + filtered",
      sum("seen"),
      sum("matched") + sum("expired") + sum("collided") + sum("filtered"),
    ],
    ...["matched", "expired", "collided", "filtered"].map((outcome): [string, number, number] => [
      `${outcome}: monitor = exporter`,
      sum(outcome),
      exported[outcome],
    ]),
    ["in flight at the end", exported.in_flight, 0],
    ["runs that the kernel left out", sum("lost"), 0],
    ["at the probe's hook: seen", c.seen, c.foreign + answered + c.forged + c.truncated],
    ["at the probe's hook: dropped + passed", c.dropped + c.passed, answered],
    [
      "probes received + late + copies = matched + copies",
      probed.received + late(probed),
      answered,
    ],
    ["monitor's exit code", monitored.code, 0],
  ];
  return equal.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what}: ${a} is not ${b}`);
}

function late({ hosts }: ProbeJson): number {
  return hosts.reduce((sum, host) => sum + host.late + host.duplicates, 0);
}
