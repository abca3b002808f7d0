import { existsSync } from "node:fs";
import type { Point } from "../../model/points.ts";

/** Ways into the kernel, the best first: fentry costs least, a kprobe most, tracepoints are everywhere. */
export const rungs = ["fentry", "kprobe", "tracepoint"] as const;
export type Rung = (typeof rungs)[number];

/** One way to watch one point. */
export interface Hook {
  readonly point: Point;
  readonly rung: Rung;
  /** What users see: the kernel's name of the place. */
  readonly name: string;
  /** The programs in bpf/vnf.bpf.c that it needs, loaded and attached together. */
  readonly programs: readonly string[];
  /** Those that IPv6 needs beside them. */
  readonly ipv6?: readonly string[];
  /** Where in the packet's way this lies. */
  readonly sentence: string;
  /** What the kernel must have beside the place itself. */
  readonly needs?: string;
}

const read = "the packet has been copied to the VNF, its skb is about to be freed";
const send = "the socket layer hands the packet to UDP, which has done nothing yet";

/**
 * Per point, in the order in which komon tries them. `nic` and `tx` need nothing better than their tracepoints; the
 * raw ones, and those of the kprobe rung, do without the kernel's own BTF.
 */
const all: readonly Hook[] = [
  {
    point: "nic",
    rung: "tracepoint",
    name: "tp_btf/netif_receive_skb",
    programs: ["nic_tp"],
    sentence: "the packet enters the stack, after the driver, before IP",
  },
  {
    point: "nic",
    rung: "tracepoint",
    name: "raw_tp/netif_receive_skb",
    programs: ["nic_raw"],
    sentence: "the packet enters the stack, after the driver, before IP",
  },
  {
    point: "rx",
    rung: "fentry",
    name: "fentry/udp_queue_rcv_one_skb",
    programs: ["rx_fentry", "drop_tp"],
    ipv6: ["rx6_fentry"],
    sentence: "UDP has found the socket",
  },
  {
    point: "rx",
    rung: "fentry",
    name: "fentry/__udp_enqueue_schedule_skb",
    programs: ["rx_queue_fentry", "drop_tp"],
    sentence: "UDP is about to put the packet into the socket's queue",
  },
  {
    point: "rx",
    rung: "kprobe",
    name: "kprobe/udp_queue_rcv_one_skb",
    programs: ["rx_kprobe", "drop_raw"],
    ipv6: ["rx6_kprobe"],
    sentence: "UDP has found the socket",
  },
  {
    point: "rx",
    rung: "kprobe",
    name: "kprobe/__udp_enqueue_schedule_skb",
    programs: ["rx_queue_kprobe", "drop_raw"],
    sentence: "UDP is about to put the packet into the socket's queue",
  },
  {
    point: "rx",
    rung: "tracepoint",
    name: "cgroup_skb/ingress",
    programs: ["rx_cgroup", "drop_tp"],
    sentence: "UDP has found the socket, its filters run",
    needs: "the kernel function bpf_cast_to_kern_ctx (Linux 6.2)",
  },
  {
    point: "read",
    rung: "fentry",
    name: "fentry/skb_consume_udp",
    programs: ["read_fentry"],
    sentence: read,
  },
  {
    point: "read",
    rung: "kprobe",
    name: "kprobe/skb_consume_udp",
    programs: ["read_kprobe"],
    sentence: read,
  },
  {
    point: "read",
    rung: "tracepoint",
    name: "tp_btf/sock_recv_length+sys_exit",
    programs: ["read_tp", "read_sys_exit"],
    sentence: "the socket layer says which packet was received; the system call returns",
  },
  {
    point: "send",
    rung: "fentry",
    name: "fentry/udp_sendmsg",
    programs: ["send_fentry", "receive_fentry"],
    ipv6: ["send6_fentry", "receive6_fentry"],
    sentence: send,
  },
  {
    point: "send",
    rung: "kprobe",
    name: "kprobe/udp_sendmsg",
    programs: ["send_kprobe", "receive_kprobe"],
    ipv6: ["send6_kprobe", "receive6_kprobe"],
    sentence: send,
  },
  {
    point: "send",
    rung: "tracepoint",
    name: "tp_btf/sys_enter",
    programs: ["send_sys_enter"],
    sentence: "the send system call begins",
  },
  {
    point: "tx",
    rung: "tracepoint",
    name: "tp_btf/net_dev_queue",
    programs: ["tx_tp"],
    sentence: "the packet is handed to the device queue",
  },
  {
    point: "tx",
    rung: "tracepoint",
    name: "raw_tp/net_dev_queue",
    programs: ["tx_raw"],
    sentence: "the packet is handed to the device queue",
  },
];

/** Without IPv6 in the kernel its functions are not there, and nobody can call them. */
const hasIpv6 = existsSync("/proc/sys/net/ipv6");

/** The hooks with the programs that this host needs. */
export const hooks: readonly Hook[] = all.map((hook) => ({
  ...hook,
  programs: [...hook.programs, ...((hasIpv6 && hook.ipv6) || [])],
}));
