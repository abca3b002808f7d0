/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Point tx: the packet is handed to the device queue, still in the sender's own context */
#pragma once

#include "held.h"
#include "histogram.h"
#include "match.h"
#include "sample.h"
#include <bpf/bpf_tracing.h>

/* What lies at the transport header: enough to know the packet by, and to digest it where it is not paired yet */
struct datagram_start {
	struct udp_header udp;
	struct payload payload;
};

/* `window`: of the payload, bytes; a whole one is read by words */
static __always_inline bool read_start(struct datagram_start *start, const void *transport, __u32 window,
				       const bool direct)
{
	if (direct && options.digest_bytes % 8 == 0 && window == options.digest_bytes) {
		peek((__u64 *)&start->udp, transport, 1, direct);
#pragma unroll
		for (int i = 0; i < DIGEST_MOST / 8; i++)
			if (i * 8 < options.digest_bytes)
				peek(&start->payload.word[i], transport + sizeof(start->udp) + i * 8, 1, direct);
		return true;
	}
	return window <= DIGEST_MOST && !bpf_probe_read_kernel(start, sizeof(start->udp) + window, transport);
}

/* The packet that a send call has just made: its payload lies here, where looking at it is cheap */
static __always_inline void pair_at_device(struct komon_thread *t, __u32 key, const struct payload *payload, __u64 head)
{
	if (!head) {
		pair_now(t, key, t->send_bytes);
		return;
	}
	t->send_digest = digest_of(payload);
	t->send_head = head;
	__u32 position = pair(key, true);

	if (!position)
		return;
	t->send_ns = 0;
	await_tx(t, position - 1);
}

static __always_inline int at_tx(struct sk_buff *skb, const bool direct)
{
	struct sock *sk = LOAD(direct, skb, sk);

	if (!sk) /* forwarded or received: a softirq on top of the sender */
		return 0;
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t || (!t->send_ns && t->awaiting_first == t->awaiting_last) ||
	    LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u32 window = t->send_ns ? digest_window(t->send_bytes) : 8;
	struct datagram_start start = {};
	__u32 transport = LOAD(direct, skb, transport_header);

	if (!read_start(&start, LOAD(direct, skb, head) + transport, window, direct))
		return 0;
	__u32 bytes = (__u16)(HOST16(start.udp.length) - 8);
	__u64 head = start.payload.word[0];

	if (transport + sizeof(start.udp) + window > LOAD(direct, skb, tail)) /* payload in page fragments */
		head = 0;
	if (t->send_ns && t->send_bytes == bytes)
		pair_at_device(t, key, &start.payload, head);
	if (t->awaiting_first == t->awaiting_last)
		return 0;
	struct komon_held *h = held_at(t, t->awaiting[t->awaiting_first % KOMON_HELD]);
	__u32 out = control.filter[h->vnf % KOMON_VNFS].out_ifindex;

	if (out) {
		struct net_device *device = LOAD(direct, skb, dev);

		if (LOAD(direct, device, ifindex) != out)
			return 0;
	}
	if (bytes < 8 || !head)
		head = h->sent_head;
	h = take_awaiting(t, bytes, head);
	if (!h)
		return 0;
	struct komon_counters *c = counters_of(h->vnf);
	struct komon_histograms *spans = histograms_of(h->vnf);

	h->state = KOMON_DONE;
	if (!c || !spans)
		return 0;
	c->transmitted++;
	record_span(spans, KOMON_EGRESS, now - h->send_ns);
	if (h->nic_ns)
		record_span(spans, KOMON_TOTAL, now - h->nic_ns);
	if (h->interval && !emit(h, now))
		c->lost_tx++;
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(tx_tp, struct sk_buff *skb)
{
	return at_tx(skb, true);
}

SEC("raw_tp/net_dev_queue")
int BPF_PROG(tx_raw, struct sk_buff *skb)
{
	return at_tx(skb, false);
}
