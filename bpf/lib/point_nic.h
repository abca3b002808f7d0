/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Point nic: the stack gets the packet from the device */
#pragma once

#include "queue.h"
#include <bpf/bpf_tracing.h>

static __always_inline int at_nic(struct sk_buff *skb, const bool direct)
{
	__u32 vnf = vnf_of_port(udp_destination(skb, direct));

	if (vnf == NO_VNF)
		return 0;
	struct net_device *device = LOAD(direct, skb, dev);
	__u32 in = control.filter[vnf % KOMON_VNFS].in_ifindex;
	struct per_cpu *cpu = this_cpu();

	if (!cpu || (in && LOAD(direct, device, ifindex) != in))
		return 0;
	__u64 i = ++cpu->nic.passed % KOMON_NIC_RING;

	cpu->nic.packet[i].skb = identity(skb, direct);
	cpu->nic.packet[i].ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(nic_tp, struct sk_buff *skb)
{
	return at_nic(skb, true);
}

SEC("raw_tp/netif_receive_skb")
int BPF_PROG(nic_raw, struct sk_buff *skb)
{
	return at_nic(skb, false);
}

/* When did this skb pass nic? 0 = not seen there (reassembled, segmented, or nic is not watched) */
static __always_inline __u64 nic_time(__u64 skb)
{
	struct per_cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	for (int i = 0; i < KOMON_NIC_RING; i++) {
		__u64 k = (cpu->nic.passed - i) % KOMON_NIC_RING;

		if (cpu->nic.packet[k].skb == skb) {
			cpu->nic.packet[k].skb = 0;
			return cpu->nic.packet[k].ns;
		}
	}
	return 0;
}
