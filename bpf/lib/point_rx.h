/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Point rx: UDP has found the socket, the packet is about to enter its queue */
#pragma once

#include "point_nic.h"
#include "queue.h"
#include "queue_drop.h"
#include <bpf/bpf_tracing.h>

static __always_inline bool in_namespace(const struct komon_vnf_filter *filter, struct sock *sk, const bool direct)
{
	if (!filter->netns)
		return true;
	struct net *net = LOAD(direct, sk, __sk_common.skc_net.net);

	return LOAD(direct, net, ns.inum) == filter->netns;
}

/* `context`: the packet as cgroup_skb programs get it, else NULL */
static __always_inline int at_rx(struct sock *sk, struct sk_buff *skb, struct __sk_buff *context, const bool direct)
{
	__u16 port = LOAD(direct, sk, __sk_common.skc_num);
	__u32 vnf = vnf_of_port(port);

	if (vnf == NO_VNF || LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct komon_counters *c = counters_of(vnf);
	struct komon_vnf_filter *filter = &control.filter[vnf % KOMON_VNFS];

	if (!c)
		return 0;
	if (!in_namespace(filter, sk, direct)) /* another host's port of the same number */
		return 0;
	c->seen++;
	if (filter->in_ifindex) {
		struct net_device *device = LOAD(direct, skb, dev);

		if (LOAD(direct, device, ifindex) != filter->in_ifindex) {
			c->filtered_rx++;
			return 0;
		}
	}
	struct content content;

	if (!context || !linear_content(context, skb, &content))
		content = udp_content(skb, direct);
	__u64 packet = identity(skb, direct), socket = identity(sk, direct);
	__u64 nic_ns = nic_time(packet);
	__u32 key;
	struct komon_queue *q = queue_find(socket, &key);

	if (!q)
		q = queue_claim(socket, sk, now, &key);
	if (!nic_ns)
		c->no_nic++;
	if (!content.digest)
		c->no_digest++;
	if (!q) {
		c->collided_rx++;
		return 0;
	}
	queue_enter(q, key, packet, nic_ns, now, &content, vnf, c);
	return 0;
}

#ifndef KOMON_NO_KFUNC
extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak; /* 6.2 */

SEC("cgroup_skb/ingress")
int rx_cgroup(struct __sk_buff *context)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(context);
	struct sock *sk = skb->sk;

	if (sk)
		at_rx(sk, skb, context, true);
	return 1; /* let everything pass */
}
#endif

SEC("fentry/udp_queue_rcv_one_skb")
int BPF_PROG(rx_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, true);
}

SEC("fentry/udpv6_queue_rcv_one_skb")
int BPF_PROG(rx6_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, true);
}

SEC("kprobe/udp_queue_rcv_one_skb")
int BPF_KPROBE(rx_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, false);
}

SEC("kprobe/udpv6_queue_rcv_one_skb")
int BPF_KPROBE(rx6_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, false);
}

/* Where the compiler has left nothing of those two: an exported function of both families, a few ns later */
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(rx_queue_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, true);
}

SEC("kprobe/__udp_enqueue_schedule_skb")
int BPF_KPROBE(rx_queue_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, NULL, false);
}

/* The stack frees a packet that it did not deliver: a full socket buffer, a bad checksum, a socket that is closed */
SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_tp, struct sk_buff *skb)
{
	queue_drop(skb, true);
	return 0;
}

SEC("raw_tp/kfree_skb")
int BPF_PROG(drop_raw, struct sk_buff *skb)
{
	queue_drop(skb, false);
	return 0;
}
