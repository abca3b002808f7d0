/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Packets that the kernel forwards (router, bridge, tc): no socket, no process. A packet is known from nic to tx by its
 * skb, which stays the same on that way; what is made anew of the same memory has passed nic again, or was made here
 * and has no device it came in by. That device (skb_iif) is the one at nic, or one above it: VLAN, bond, VRF.
 */
#include "lib/deadline.h"
#include "lib/histogram.h"
#include "komon/forward.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ETH_P_IP_BE 0x0008   /* 0x0800 */
#define ETH_P_IPV6_BE 0xDD86 /* 0x86DD */
#define WAYS 4
#define TAKEN 1 /* no skb: somebody is moving in */

const volatile struct komon_forward_options options SEC(".rodata.options") = {};

/* clang describes in BTF only types that something reaches */
const enum komon_forward_limit *const type_of_limit __attribute__((used));

__u64 anchor; /* a pointer's distance from here is a number; the verifier forbids to shift the pointer itself */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KOMON_PASSING);
	__type(key, __u32);
	__type(value, struct komon_passing);
} passing SEC(".maps");

/* Index: cpu */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_forward_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_histograms);
} histograms SEC(".maps");

static __always_inline struct komon_forward_counters *this_cpu(void)
{
	__u32 key = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline struct komon_passing *place(struct sk_buff *skb, __u32 way)
{
	__u64 number = (__u64)skb - (__u64)&anchor;
	__u32 key = ((__u32)(number >> 8) ^ (__u32)(number >> 20)) + way;

	key %= KOMON_PASSING;
	return bpf_map_lookup_elem(&passing, &key);
}

static __always_inline struct komon_passing *find(struct sk_buff *skb)
{
	for (__u32 way = 0; way < WAYS; way++) {
		struct komon_passing *p = place(skb, way);

		if (p && p->skb == (__u64)skb)
			return p;
	}
	return NULL;
}

static __always_inline bool is_device(struct net_device *device, __u32 ifindex)
{
	return (!ifindex || device->ifindex == ifindex) &&
	       (!options.netns || device->nd_net.net->ns.inum == options.netns);
}

/* The packet that was here will not come out any more; false when another CPU was faster */
static __always_inline bool give_up(struct komon_passing *p, __u64 was, __u64 next,
				    struct komon_forward_counters *c)
{
	bool elsewhere = p->elsewhere;

	if (!CLAIM(&p->skb, was, next))
		return false;
	if (elsewhere)
		c->filtered++;
	else
		c->expired++;
	return true;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(forward_nic, struct sk_buff *skb)
{
	struct net_device *device = skb->dev;
	struct komon_forward_counters *c = this_cpu();
	__u64 now = bpf_ktime_get_ns();
	struct komon_passing *p = find(skb);

	if (!c)
		return 0;
	if (p && skb->skb_iif == p->in_ifindex) /* a bridge's own device, after its port */
		return 0;
	if (p) /* a packet of before, in the same memory: freed unseen */
		give_up(p, (__u64)skb, 0, c);
	if (!is_device(device, options.in_ifindex))
		return 0;
	if (skb->protocol != ETH_P_IP_BE && skb->protocol != ETH_P_IPV6_BE)
		return 0;
	c->seen++;
	for (__u32 way = 0; way < WAYS; way++) {
		p = place(skb, way);
		if (!p)
			continue;
		__u64 was = p->skb;

		if (was == TAKEN || (was && SINCE(now, p->nic_ns) < KOMON_PASSING_EXPIRY_NS))
			continue;
		if (was ? !give_up(p, was, TAKEN, c) : !CLAIM(&p->skb, 0, TAKEN))
			continue;
		p->nic_ns = now;
		p->in_ifindex = device->ifindex;
		p->elsewhere = 0;
		barrier();
		p->skb = (__u64)skb;
		return 0;
	}
	c->collided++;
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(forward_tx, struct sk_buff *skb)
{
	struct komon_passing *p = find(skb);

	if (!p || !skb->skb_iif)
		return 0;
	if (!is_device(skb->dev, options.out_ifindex)) {
		p->elsewhere = 1;
		return 0;
	}
	__u32 key = bpf_get_smp_processor_id();
	struct komon_forward_counters *c = this_cpu();
	struct komon_histograms *spans = bpf_map_lookup_elem(&histograms, &key);
	__u64 now = bpf_ktime_get_ns(), since = p->nic_ns;

	if (!c || !spans || !CLAIM(&p->skb, (__u64)skb, 0))
		return 0;
	c->matched++;
	record_span(spans, KOMON_TOTAL, now - since);
	if (options.deadline_ns)
		judge(0, now - since, now, options.deadline_ns);
	return 0;
}

/* The stack drops it on the way: no route, TTL, filter, a full queue */
SEC("tp_btf/kfree_skb")
int BPF_PROG(forward_drop, struct sk_buff *skb)
{
	struct komon_passing *p = find(skb);
	struct komon_forward_counters *c = this_cpu();

	if (!p || !c || p->elsewhere || !skb->skb_iif)
		return 0;
	if (CLAIM(&p->skb, (__u64)skb, 0))
		c->dropped++;
	return 0;
}
