/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Packets that the stack frees leave the ledger: those it never queued, and those that waited in a socket. */
#pragma once

#include "queue.h"

#define FORGET_SCAN 16 /* how far from the expected position a packet that is freed unread is looked for */

/* Takes a packet that is freed unread out of one queue. Own function, verified once */
__attribute__((noinline)) int queue_forget_in(__u32 queue_key, __u64 skb)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);
	bool first = true;

	if (!q)
		return 0;
	__u64 position = q->next ? q->next : 1;

	for (int i = 0; i < FORGET_SCAN && position <= q->tail; i++, position++) {
		struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];
		bool waits = p->position != position || p->state == KOMON_QUEUED; /* a hole's packet waits, too */

		if (p->position != position || p->skb != skb || !CLAIM(&p->state, KOMON_QUEUED, KOMON_DROPPED)) {
			first = first && !waits;
			if (first)
				q->next = position + 1;
			continue;
		}
		if (first)
			q->next = position + 1;
		struct komon_counters *c = counters_of(p->vnf);

		if (c)
			c->expired_stack++;
		return 1;
	}
	return 0;
}

/*
 * A packet that had been queued is freed unread: its checksum is looked at when it is read, and a socket that is closed
 * lets go of what waits in it. Whose queue it was in, nothing in the skb says.
 */
__attribute__((noinline)) int queue_forget(__u64 skb)
{
	for (__u32 key = 0; key < KOMON_QUEUES; key++)
		if (queue_forget_in(key, skb))
			return 1;
	return 0;
}

/* The stack frees this skb without delivering it */
static __always_inline void queue_drop(struct sk_buff *freed, const bool direct)
{
	struct per_cpu *cpu = this_cpu();
	__u64 skb = identity(freed, direct);

	if (!cpu)
		return;
	if (cpu->last.skb != skb) {
		if (is_queued(freed, direct) && vnf_of_port(transport_destination(freed, direct)) != NO_VNF)
			queue_forget(skb);
		return;
	}
	__u32 key = cpu->last.queue;
	__u64 position = cpu->last.position;
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &key);

	cpu->last.skb = 0;
	if (!q)
		return;
	struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];

	if (p->position != position || p->skb != skb || !CLAIM(&p->state, KOMON_QUEUED, KOMON_DROPPED))
		return;
	CLAIM(&q->tail, position, position - 1); /* give the place back, unless another CPU has entered since */
	struct komon_counters *c = counters_of(p->vnf);

	if (c)
		c->expired_stack++;
}
