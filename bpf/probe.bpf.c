/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Active probing: stamps our probes where they leave and their answers where they come in, and takes the answers off
 * the network. Nothing but an answer with this run's cookie and a number in flight is ever touched.
 * User space loads one program for each direction; see src/probes/active/rungs.ts for the ladder.
 */
#include "lib/atomic.h"
#include "lib/probe_answer.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TC_NEXT (-1) /* TC_ACT_UNSPEC: the next program's turn */
#define TC_DROP 2    /* TC_ACT_SHOT */

/* ---- The answer: stamp, match, drop ---- */

static __always_inline bool is_late(__u32 sequence)
{
	__u32 age = control.next_sequence - sequence;

	return age > options.slot_mask && age <= control.sent;
}

/* Into this CPU's log. Nothing else runs in between on this CPU: all is done with softirqs off */
static __always_inline void note(struct komon_probe_cpu *cpu, const struct komon_probe_slot *slot,
				 const struct found *f)
{
	__u32 at = cpu->written;

	if (at - cpu->taken > options.log_mask) {
		cpu->counters.lost_records++;
		return;
	}
	__u32 key = bpf_get_smp_processor_id() * (options.log_mask + 1) + (at & options.log_mask);
	struct komon_probe_answer *answer = bpf_map_lookup_elem(&answers, &key);

	if (!answer)
		return;
	answer->tx_ns = slot->tx_ns;
	answer->rx_ns = f->ns;
	answer->sequence = f->sequence;
	answer->target = f->target;
	answer->kind = f->kind;
	answer->ttl = f->ttl;
	answer->flags = f->flags;
	if (options.reflected) {
		struct komon_probe_far *far = bpf_map_lookup_elem(&far_stamps, &key);

		if (far)
			*far = f->far;
	}
	PUBLISH(&cpu->written, at + 1);
}

/* `came_ns` is when the packet came, 0 = now. True when the packet is to be dropped */
static __always_inline bool at_rx(const enum way way, const struct packet *p, __u32 bytes, __u64 came_ns)
{
	struct komon_probe_cpu *cpu = this_cpu();

	if (!cpu)
		return false;
	struct komon_probe_counters *c = &cpu->counters;

	c->seen++;
	if (bytes > options.most_bytes) {
		c->foreign++;
		return false;
	}
	struct found f = { .ns = came_ns ?: bpf_ktime_get_ns() };
	enum verdict verdict = find_answer(way, p, &f);

	if (verdict != OURS) {
		if (verdict == FOREIGN)
			c->foreign++;
		else
			c->truncated++;
		return false;
	}
	struct komon_probe_slot *slot = slot_of(f.sequence);

	if (!slot)
		return false;
	bool mine = slot->armed && slot->sequence == f.sequence;

	if (f.target == ~0u)
		f.target = slot->target;
	if (!mine || slot->target != f.target) {
		if (mine || !is_late(f.sequence) || options.kind == KOMON_PROBE_TCP) {
			c->forged++;
			return false;
		}
		c->stale++;
	} else {
		if (!slot->rx_ns) {
			slot->rx_ns = f.ns;
			slot->ttl = f.ttl;
			slot->kind = f.kind;
			c->matched++;
		} else {
			slot->copies++;
			f.flags |= KOMON_ANSWER_COPY;
			c->copies++;
		}
		note(cpu, slot, &f);
	}
	/* A SYN-ACK goes on, so that the stack resets the half-open connection */
	if (options.drop && !(f.flags & KOMON_ANSWER_FRAGMENT) && f.kind != KOMON_ANSWER_SYNACK) {
		c->dropped++;
		return true;
	}
	c->passed++;
	return false;
}

static __always_inline int at_xdp(struct xdp_md *context)
{
	void *data = (void *)(long)context->data;
	struct packet p = { .start = data + 14, .end = (void *)(long)context->data_end };

	if (p.start > p.end)
		return XDP_PASS;
	p.protocol = *(__be16 *)(data + 12);
	return at_rx(IN_PLACE, &p, p.end - data, 0) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int rx_xdp_frags(struct xdp_md *context)
{
	return at_xdp(context);
}

/* For kernels before 5.18, and drivers without buffers of several pages */
SEC("xdp")
int rx_xdp(struct xdp_md *context)
{
	return at_xdp(context);
}

/* The device hands the stack a packet: on the same CPU tc sees it next, up to a microsecond later */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(rx_arrival, struct sk_buff *skb)
{
	__u32 zero = 0;

	if (skb->len > options.most_bytes)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u64 *came_ns = bpf_map_lookup_elem(&arrival, &zero);

	if (came_ns)
		*came_ns = now;
	return 0;
}

SEC("tc")
int rx_tc(struct __sk_buff *skb)
{
	struct packet p = { .skb = skb, .protocol = skb->protocol };
	__u32 zero = 0;
	__u64 *came_ns = bpf_map_lookup_elem(&arrival, &zero);

	return at_rx(BY_COPY, &p, skb->len, came_ns ? *came_ns : 0) ? TC_DROP : TC_NEXT;
}

/* ---- The probe: stamp ---- */

static __always_inline void at_tx(const enum way way, const struct packet *p, __u32 bytes)
{
	if (bytes > options.most_bytes)
		return;
	struct found f = {};

	if (!find_probe(way, p, &f))
		return;
	struct komon_probe_cpu *cpu = this_cpu();
	struct komon_probe_slot *slot = slot_of(f.sequence);

	if (!cpu || !slot || !slot->armed || slot->sequence != f.sequence)
		return;
	if (slot->tx_ns) {
		cpu->counters.tx_again++;
		return;
	}
	cpu->counters.tx_stamped++;
	slot->tx_ns = bpf_ktime_get_ns(); /* last of all: what we do here is no part of the way */
}

/* The driver gets the packet: behind the queueing discipline, on any device of the host */
SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(tx_device, struct sk_buff *skb)
{
	struct packet p = { .protocol = skb->protocol };

	if (p.protocol != ETH_P_IP_BE && p.protocol != ETH_P_IPV6_BE)
		return 0;
	p.start = skb->head + skb->network_header;
	at_tx(IN_KERNEL, &p, skb->len);
	return 0;
}

/* Before the queueing discipline, on one device */
SEC("tc")
int tx_tc(struct __sk_buff *skb)
{
	struct packet p = { .skb = skb, .protocol = skb->protocol };

	at_tx(BY_COPY, &p, skb->len);
	return TC_NEXT;
}
