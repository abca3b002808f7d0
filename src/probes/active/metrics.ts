import type { Metrics } from "../../model/metric.ts";

export const activeMetrics = {
  rtt: {
    name: "komon_probe_rtt_seconds",
    type: "histogram",
    help: "Round-trip times of probes, from the device's driver back to the receive hook.",
    labels: ["kind", "target"],
    rangeNs: [8e3, 4e9],
  },
  answers: {
    name: "komon_probe_answers_total",
    type: "counter",
    help: "Probes answered in time.",
    labels: ["kind", "target"],
  },
  lost: {
    name: "komon_probe_lost_total",
    type: "counter",
    help: "Probes without an answer in time.",
    labels: ["kind", "target"],
  },
  errors: {
    name: "komon_probe_errors_total",
    type: "counter",
    help: "Errors that came back for probes, such as an unreachable network.",
    labels: ["kind", "target"],
  },
  hook: {
    name: "komon_probe_hook_events_total",
    type: "counter",
    help: "What the receive hook (XDP or tc) did with the packets that passed it.",
    labels: ["kind", "event"],
  },
} as const satisfies Metrics;
