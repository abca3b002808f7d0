/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The least that watching rx and send can be at komon's hooks: a stamp and a digest of each packet of one port in order, a
 * stamp of each send call of one thread, and the three histograms of the pair. No ledger, no pairing, no account.
 */
#include "lib/histogram.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SYS_SENDTO 44
#define PACKETS 4096
#define IPV4_HEADER 20

struct entry {
	__u64 rx_ns;
	__u64 digest;
};

struct udp_packet {
	__u8 ip[IPV4_HEADER];
	__be16 source, dest, length, check;
	__u64 payload[4];
} __attribute__((packed));

const volatile struct {
	__u32 port; /* network order */
	__u32 tid;
} options SEC(".rodata.options") = {};

struct entry queue[PACKETS];
__u64 tail, head;
struct komon_histograms histograms;

SEC("cgroup_skb/ingress")
int least_rx(struct __sk_buff *context)
{
	struct udp_packet *packet = (void *)(long)context->data;

	if ((void *)(packet + 1) > (void *)(long)context->data_end || packet->dest != options.port)
		return 1;
	struct entry *entry = &queue[tail++ % PACKETS];

	entry->rx_ns = bpf_ktime_get_ns();
	entry->digest = 1;
	for (int i = 0; i < 4; i++)
		entry->digest = (entry->digest ^ packet->payload[i]) * 0xD6E8FEB86659FD93ull;
	return 1;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(least_send, struct pt_regs *regs, long id)
{
	if (id != SYS_SENDTO || (__u32)bpf_get_current_pid_tgid() != options.tid)
		return 0;
	__u64 now = bpf_ktime_get_ns(), rx_ns = queue[head++ % PACKETS].rx_ns;

	record_span(&histograms, KOMON_SERVICE, now - rx_ns);
	record_span(&histograms, KOMON_QUEUE, now - rx_ns);
	record_span(&histograms, KOMON_SOJOURN, now - rx_ns);
	return 0;
}
