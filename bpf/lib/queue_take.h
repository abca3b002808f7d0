/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The packet that was just read, looked for in the mirror image of its socket's queue. */
#pragma once

#include "queue.h"

#define READ_SCAN 16  /* how far from the expected position a read looks for its packet */
#define FAR_SCAN 64   /* and how far when it is not there */
#define PASSED_MOST 8 /* a packet passed over that often was never queued, or freed unseen. Below READ_SCAN, or it blocks */

/*
 * 0 where this entry looks like the packet just read: the same skb (`by_skb` all ones), else the same digest (`by_skb`
 * 0; it is odd, or 0 and unknown: then it agrees with all) and no less payload, for the reader's buffer may be too
 * short. In arithmetic, for the verifier's sake.
 */
static __always_inline __u64 differs(const struct komon_queued *p, __u64 wanted, __u64 by_skb, __u32 bytes)
{
	__u64 both_known = -(p->digest & wanted & 1);
	__u64 shorter = ((__s64)p->payload_bytes - (__s64)bytes) >> 63;

	return ((p->skb ^ wanted) & by_skb) | ((((p->digest ^ wanted) & both_known) | shorter) & ~by_skb);
}

/* The packet in this slot was not the one that was read */
static __always_inline void queue_pass(struct komon_queue *q, __u32 slot)
{
	struct komon_queued *p = &q->packet[slot % KOMON_QUEUE_PACKETS];

	if (++p->passed_over <= PASSED_MOST || !CLAIM(&p->state, KOMON_QUEUED, KOMON_DROPPED))
		return;
	struct komon_counters *c = counters_of(p->vnf);

	if (c)
		c->expired_passed++;
}

/*
 * The verifier walks every way through a loop, and each thing a loop remembers doubles their number. So each of these
 * looks for one thing, from `position` on, and gives its distance.
 */

/* The first packet that waits; READ_SCAN: none so near */
__attribute__((noinline)) int queue_waiting(__u32 queue_key, __u64 position)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);

	if (!q)
		return READ_SCAN;
	for (int i = 0; i < READ_SCAN; i++, position++) {
		struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];

		if (!((p->position ^ position) | (p->state ^ KOMON_QUEUED)))
			return i;
	}
	return READ_SCAN;
}

/* The first place that stayed empty, or the end of the queue; `most`: neither so near */
__attribute__((noinline)) int queue_empty(__u32 queue_key, __u64 position, int most)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);

	if (!q)
		return most;
	for (int i = 0; i < READ_SCAN && i < most; i++, position++)
		if (q->packet[position % KOMON_QUEUE_PACKETS].position != position)
			return i;
	return most;
}

/* The first that looks like the packet just read; READ_SCAN: none */
__attribute__((noinline)) int queue_fitting(__u32 queue_key, __u64 position, __u64 wanted, __u64 by_skb, __u32 bytes)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);

	if (!q)
		return READ_SCAN;
	for (int i = 0; i < READ_SCAN; i++, position++) {
		struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];

		if (!((p->position ^ position) | (p->state ^ KOMON_QUEUED) | differs(p, wanted, by_skb, bytes)))
			return i;
	}
	return READ_SCAN;
}

/* The packet itself, by what is known of it */
__attribute__((noinline)) int queue_far(__u32 queue_key, __u64 position, __u64 wanted, __u64 by_skb)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);

	if (!q || !wanted)
		return FAR_SCAN;
	for (int i = 0; i < FAR_SCAN; i++, position++) {
		struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];
		__u64 found = (p->skb & by_skb) | (p->digest & ~by_skb);

		if (!((p->position ^ position) | (p->state ^ KOMON_QUEUED) | (found ^ wanted)))
			return i;
	}
	return FAR_SCAN;
}

/*
 * Takes the packet that was just read out of the ledger: its slot in the queue, or -1. Order says where to look; the
 * skb (where the hook knows it), else digest and length, say whether it is so.
 */
__attribute__((noinline)) int queue_search(__u32 queue_key, __u64 skb, __u64 digest, __u32 bytes)
{
	struct komon_queue *q = bpf_map_lookup_elem(&queues, &queue_key);

	if (!q)
		return -1;
	__u64 next = q->next ? q->next : 1, wanted = skb ? skb : digest, by_skb = skb ? ~0ull : 0;
	int waits = queue_waiting(queue_key, next);
	int empty = waits ? queue_empty(queue_key, next, waits) : waits;
	bool hole = empty < waits && next + empty <= q->tail;
	__u64 first = next + waits, position;
	int fits = READ_SCAN;

	/* What is known by nothing but the order is the hole's packet */
	if (waits < READ_SCAN && (wanted || !hole))
		fits = queue_fitting(queue_key, first, wanted, by_skb, bytes);
	position = first + fits;
	if (fits < READ_SCAN) {
		if (fits == 0)
			q->next = position + 1;
		else
			queue_pass(q, first % KOMON_QUEUE_PACKETS);
	} else {
		/*
		 * Reads that komon missed have left theirs in the way (the kernel leaves a program out while a preempted task
		 * is in it). A socket gives its packets away in order, so those far before this one have been read.
		 */
		fits = queue_far(queue_key, first, wanted, by_skb);
		position = first + fits;
		if (fits == FAR_SCAN) {
			if (hole) /* one hole a read, as one packet a read: so the ledger stays in step with the socket */
				q->next = next + empty + 1;
			else if (waits < READ_SCAN) /* it shall not stand in the way for ever */
				queue_pass(q, first % KOMON_QUEUE_PACKETS);
			else
				q->next = next + empty;
			return -1;
		}
		if (position >= q->next + READ_SCAN)
			q->next = position + 1 - READ_SCAN;
	}
	__u32 slot = position % KOMON_QUEUE_PACKETS;
	struct komon_queued *p = &q->packet[slot];

	return CLAIM(&p->state, KOMON_QUEUED, KOMON_READ) ? slot : -1;
}

/* The same. Nearly always it is the packet that is expected next: then nothing is searched */
static __always_inline int queue_take(struct komon_queue *q, __u32 queue_key, __u64 skb, __u64 digest, __u32 bytes)
{
	__u64 position = q->next, wanted = skb ? skb : digest;
	__u32 slot = position % KOMON_QUEUE_PACKETS;
	struct komon_queued *p = &q->packet[slot];

	if (wanted && p->position == position && p->state == KOMON_QUEUED &&
	    !differs(p, wanted, skb ? ~0ull : 0, bytes) && CLAIM(&p->state, KOMON_QUEUED, KOMON_READ)) {
		q->next = position + 1;
		return slot;
	}
	return queue_search(queue_key, skb, digest, bytes);
}
