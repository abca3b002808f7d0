/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which packets get a record of their own, and the record, once they have passed all points they will pass. */
#pragma once

#include "held.h"

/*
 * The record of a sampled packet that has passed all points it will pass. False: no room in the ring. User space may
 * take it first, when tx is long in coming: whoever takes its interval away has it
 */
static __always_inline bool emit(struct komon_held *h, __u64 tx_ns)
{
	__u32 interval = EXCHANGE(&h->interval, 0);

	if (!interval)
		return true;
	struct komon_sample *s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);

	if (!s)
		return false;
	s->nic_ns = h->nic_ns;
	s->rx_ns = h->rx_ns;
	s->read_ns = h->read_ns;
	s->send_ns = h->send_ns;
	s->tx_ns = tx_ns;
	s->digest = h->digest;
	s->head = h->head;
	s->payload_bytes = h->payload_bytes;
	s->sent_bytes = h->sent_bytes;
	s->interval = interval;
	s->index = h->index;
	s->tid = current_tid();
	s->vnf = h->vnf;
	s->flags = h->flags;
	bpf_ringbuf_submit(s, BPF_RB_NO_WAKEUP);
	return true;
}

/* Packets sent by an earlier call that never came to a device: their records end at send */
static __always_inline void flush_awaiting(struct komon_thread *t)
{
	for (int i = 0; i < 8 && t->awaiting_first != t->awaiting_last; i++) {
		struct komon_held *h = held_at(t, t->awaiting[t->awaiting_first++ % KOMON_HELD]);

		if (h->state != KOMON_SENT)
			continue;
		struct komon_counters *c = counters_of(h->vnf);

		h->state = KOMON_DONE;
		if (!c)
			continue;
		c->no_tx++;
		if (h->interval && !emit(h, 0))
			c->lost_send++;
	}
}

/* Is this packet one of those that per-packet records are wanted of? */
static __always_inline void sample(struct komon_held *h, struct komon_counters *c)
{
	struct komon_vnf_sampling *s = &control.sampling[h->vnf % KOMON_VNFS];

	if (s->taken >= s->wanted || h->rx_ns < s->start_ns)
		return;
	__u64 index = FETCH_ADD(&s->taken, 1);

	if (index >= s->wanted)
		return;
	h->interval = s->interval;
	h->index = index;
	c->sampled++;
}
