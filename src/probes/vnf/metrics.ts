import type { Metrics } from "../../model/metric.ts";

export const vnfMetrics = {
  span: {
    name: "komon_vnf_span_seconds",
    type: "histogram",
    help: "Times between two points of a packet's way through a VNF, every packet.",
    labels: ["vnf", "span"],
    rangeNs: [250, 1e9],
  },
  packets: {
    name: "komon_vnf_packets_total",
    type: "counter",
    help: "Packets that came in for a VNF (seen), and what became of them.",
    labels: ["vnf", "outcome"],
  },
  inFlight: {
    name: "komon_vnf_packets_in_flight",
    type: "gauge",
    help: "Packets in a VNF's queue or in its hands, however long.",
    labels: ["vnf"],
  },
  recursion: {
    name: "komon_vnf_recursion_misses_total",
    type: "counter",
    help: "Runs of the probe that the kernel left out, so that packets may have been missed.",
    labels: [],
  },
} as const satisfies Metrics;
