import type { Metrics } from "../../model/metric.ts";

/** `group` is what the exporter is told to group by: program, subnet, address, or nothing (`all`). */
export const tcpMetrics = {
  rtt: {
    name: "komon_tcp_rtt_seconds",
    type: "histogram",
    help: "Round-trip times of TCP connections, one sample per acknowledgement.",
    labels: ["group"],
    rangeNs: [8e3, 4e9],
  },
  connectLatency: {
    name: "komon_tcp_connect_seconds",
    type: "histogram",
    help: "How long TCP connects took, by how they ended.",
    labels: ["comm", "result"],
    rangeNs: [8e3, 60e9],
  },
  acceptWait: {
    name: "komon_tcp_accept_wait_seconds",
    type: "histogram",
    help: "How long established connections waited until their server accepted them.",
    labels: ["comm"],
    rangeNs: [1e3, 10e9],
  },
  sessions: {
    name: "komon_tcp_sessions_total",
    type: "counter",
    help: "TCP sessions that ended, by the end's owner and reason.",
    labels: ["comm", "role", "reason"],
  },
  sessionDuration: {
    name: "komon_tcp_session_seconds",
    type: "histogram",
    help: "How long TCP sessions lasted that began and ended while komon watched.",
    labels: ["comm"],
    rangeNs: [100e3, 1000e9],
  },
  sent: {
    name: "komon_tcp_session_sent_bytes_total",
    type: "counter",
    help: "Payload sent in TCP sessions that ended, each byte once.",
    labels: ["comm"],
  },
  received: {
    name: "komon_tcp_session_received_bytes_total",
    type: "counter",
    help: "Payload received in TCP sessions that ended.",
    labels: ["comm"],
  },
  retransmits: {
    name: "komon_tcp_session_retransmits_total",
    type: "counter",
    help: "Segments sent again in TCP sessions that ended.",
    labels: ["comm"],
  },
  connections: {
    name: "komon_tcp_connections",
    type: "gauge",
    help: "TCP connections that live now.",
    labels: ["role"],
  },
  opened: {
    name: "komon_tcp_connections_opened_total",
    type: "counter",
    help: "TCP connections and attempts that komon has followed.",
    labels: [],
  },
  untracked: {
    name: "komon_tcp_connections_untracked_total",
    type: "counter",
    help: "TCP connections that komon could not follow because its table was full.",
    labels: [],
  },
  lost: {
    name: "komon_tcp_events_lost_total",
    type: "counter",
    help: "Events of TCP connections that found the ring buffer full.",
    labels: [],
  },
} as const satisfies Metrics;
