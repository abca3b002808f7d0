/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The ledger's second half: what each thread has read and not yet sent. Only the thread itself touches its entry,
 * so nothing here is atomic.
 */
#pragma once

#include "atomic.h"
#include "vnf_maps.h"

#define THREAD_PROBES 4
#define THREAD_IDLE_NS 10000000000ll
#define THREAD_DONE_NS 50000000ll

static __always_inline __u32 current_tid(void)
{
	return bpf_get_current_pid_tgid();
}

/* Whose an entry of `threads` is. The verifier forgets bounds of what went through memory, so they are said again */
static __always_inline __u32 *owner_of(__u32 key)
{
	return &control.thread_ids[key % KOMON_THREADS];
}

/* The ids lie close together, so that asking for a stranger's costs one cache line */
static __always_inline struct komon_thread *thread_find(__u32 tid, __u32 *key)
{
	for (int i = 0; i < THREAD_PROBES; i++) {
		*key = (tid + i) % KOMON_THREADS;
		if (*owner_of(*key) == tid)
			return bpf_map_lookup_elem(&threads, key);
	}
	return NULL;
}

static __always_inline bool holds_nothing(const struct komon_thread *t)
{
	return (__s32)(t->first_unsent - t->reads) > 0 && t->awaiting_first == t->awaiting_last;
}

/* Takes a free or idle place for a thread that has none; -1: there is none. Own function, verified once */
__attribute__((noinline)) int thread_place(__u32 tid)
{
	__u64 now = bpf_ktime_get_ns();

	for (int i = 0; i < 2 * THREAD_PROBES; i++) {
		__u32 key = (tid + i % THREAD_PROBES) % KOMON_THREADS;
		struct komon_thread *t = bpf_map_lookup_elem(&threads, &key);
		__u32 *owner = owner_of(key), was = *owner;

		if (!t)
			continue;
		/* Second round: of threads that may have ended with their work, as a process for each packet does */
		__s64 idle = i >= THREAD_PROBES && holds_nothing(t) ? THREAD_DONE_NS : THREAD_IDLE_NS;

		if (was && SINCE(now, t->active_ns) < idle)
			continue;
		t->active_ns = now; /* before it is ours: nobody else may find it idle then */
		if (CLAIM(owner, was, tid)) {
			t->recv_kind = KOMON_BUFFER_NONE;
			t->recv_buffer = 0;
			t->awaiting_first = t->awaiting_last = 0;
			t->first_unsent = t->reads + 1;
			t->returned = t->reads;
			t->overrun = 0;
			t->send_ns = 0;
			return key;
		}
	}
	return -1;
}

static __always_inline struct komon_thread *thread_claim(__u32 tid, __u32 *key)
{
	*key = thread_place(tid);
	return bpf_map_lookup_elem(&threads, key);
}

static __always_inline struct komon_held *held_at(struct komon_thread *t, __u32 position)
{
	return &t->held[position % KOMON_HELD];
}

/* The thread has got a packet: `p` from its socket's queue */
static __always_inline void hold(struct komon_thread *t, const struct komon_queued *p, __u64 buffer)
{
	struct komon_held *h = held_at(t, t->reads);

	if (h->state == KOMON_READ) { /* maybe of another VNF: a thread may serve several ports */
		struct komon_counters *c = counters_of(h->vnf);

		if (c)
			c->expired_unsent++;
		t->overrun = t->reads + 1;
	}
	h->nic_ns = p->nic_ns;
	h->rx_ns = p->rx_ns;
	h->send_ns = 0;
	h->digest = p->digest;
	h->head = p->head;
	h->buffer = buffer;
	h->payload_bytes = p->payload_bytes;
	h->interval = 0;
	h->vnf = p->vnf;
	h->flags = 0;
	h->state = KOMON_READ;
	/* Move the begin of the unsent on: over what has been sent, and over what this packet takes the place of */
	for (int i = 0; i < 4 && (__s32)(t->reads - t->first_unsent) >= 0; i++) {
		if (t->reads - t->first_unsent < KOMON_HELD && t->first_unsent &&
		    held_at(t, t->first_unsent - 1)->state == KOMON_READ)
			break;
		t->first_unsent++;
	}
	t->reads++;
	/*
	 * The stamp comes last: what komon did until here is no part of the VNF's own work. Where the receive call's
	 * return is watched too, that moves it on to there
	 */
	t->active_ns = h->read_ns = bpf_ktime_get_ns();
}

/* Sent packets come to the device in the order they were sent, most within the same call */
static __always_inline struct komon_held *take_awaiting(struct komon_thread *t, __u32 bytes, __u64 head)
{
	for (int i = 0; i < KOMON_HELD && t->awaiting_first != t->awaiting_last; i++) {
		struct komon_held *h = held_at(t, t->awaiting[t->awaiting_first % KOMON_HELD]);

		if (h->state == KOMON_SENT && h->sent_bytes && h->sent_bytes != bytes)
			return NULL;
		if (h->state == KOMON_SENT && h->sent_head && h->sent_head != head)
			return NULL;
		t->awaiting_first++;
		if (h->state == KOMON_SENT)
			return h;
	}
	return NULL;
}
