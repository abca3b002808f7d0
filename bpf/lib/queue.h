/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The ledger's first half: a mirror image of each watched socket's receive queue. Packets enter at rx in the
 * order the stack queues them and leave at read. Entering threads agree by one atomic add; a position that found
 * no room is a hole, so the order never slips.
 */
#pragma once

#include "atomic.h"
#include "packet.h"
#include "vnf_maps.h"

#define QUEUE_PROBES 8
#define QUEUE_IDLE_NS 10000000000ull /* a queue idle for 10 s may be given to another socket */
#define QUEUE_EMPTY_NS 1000000ull    /* and one where nothing waits, after 1 ms */
#define READ_SCAN 16                /* how far from the expected position a read looks for its packet */
#define FORGET_SCAN 16               /* how far from there a packet that is freed unread is looked for */
#define FAR_SCAN 64                  /* and how far when it is not there */
#define PASSED_MOST 8 /* a packet passed over that often was never queued, or freed unseen. Below READ_SCAN, or it blocks */

/* The packet that the last rx on this CPU entered: what the stack frees next without queueing it is this one */
struct last_entered {
	__u64 skb;
	__u64 position;
	__u32 queue;
	__u32 pad;
};

struct nic_ring {
	__u64 passed;
	struct {
		__u64 skb;
		__u64 ns;
	} packet[KOMON_NIC_RING];
};

struct per_cpu {
	struct last_entered last;
	struct nic_ring nic;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct per_cpu);
} per_cpu SEC(".maps");

static __always_inline struct per_cpu *this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&per_cpu, &zero);
}

/* Sockets and packets are known by their distance from `control` */
static __always_inline __u64 identity(const void *object, const bool direct)
{
	return distance(object, &control, direct);
}

static __always_inline __u32 socket_hash(__u64 socket)
{
	return (socket >> 6) ^ (socket >> 12);
}

/* Packets that wait in the socket itself */
static __always_inline __u32 socket_backlog(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_receive_queue.qlen) + BPF_CORE_READ((struct udp_sock *)sk, reader_queue.qlen);
}

/* The queue of a socket, or NULL */
static __always_inline struct komon_queue *queue_find(__u64 socket, __u32 *key)
{
	for (int i = 0; i < QUEUE_PROBES; i++) {
		*key = (socket_hash(socket) + i) % KOMON_QUEUES;
		struct komon_queue *q = bpf_map_lookup_elem(&queues, key);

		if (q && q->sk == socket)
			return q;
	}
	return NULL;
}

/* A queue for a socket that has none yet: a free one, one idle for long, one idle for `empty_ns` where nothing waits */
static __always_inline struct komon_queue *queue_claim_idle(__u64 socket, struct sock *sk, __u64 now, __u64 empty_ns,
							    __u32 *key)
{
	for (int i = 0; i < QUEUE_PROBES; i++) {
		*key = (socket_hash(socket) + i) % KOMON_QUEUES;
		struct komon_queue *q = bpf_map_lookup_elem(&queues, key);

		if (!q)
			continue;
		__u64 was = q->sk;

		if (was && now - q->active_ns < (q->next > q->tail ? empty_ns : QUEUE_IDLE_NS))
			continue;
		if (CLAIM(&q->sk, was, socket)) {
			/* What waited in this socket before komon came has no entry: as many reads will find holes */
			q->base = q->tail;
			q->next = q->tail + 1;
			q->tail += socket_backlog(sk);
			q->active_ns = now;
			return q;
		}
	}
	return NULL;
}

static __always_inline struct komon_queue *queue_claim(__u64 socket, struct sock *sk, __u64 now, __u32 *key)
{
	struct komon_queue *q = queue_claim_idle(socket, sk, now, QUEUE_IDLE_NS, key);

	return q ? q : queue_claim_idle(socket, sk, now, QUEUE_EMPTY_NS, key);
}

static __always_inline void queue_enter(struct komon_queue *q, __u32 key, __u64 skb, __u64 nic_ns, __u64 rx_ns,
					const struct content *content, __u32 vnf, struct komon_counters *c)
{
	__u64 position = FETCH_ADD(&q->tail, 1) + 1;
	struct komon_queued *p = &q->packet[position % KOMON_QUEUE_PACKETS];
	struct per_cpu *cpu = this_cpu();

	q->active_ns = rx_ns;
	if (p->state == KOMON_QUEUED && (p->position <= q->base || p->position < q->next)) {
		c->expired_closed++; /* of the socket before, or left behind by queue_take */
	} else if (p->state == KOMON_QUEUED) { /* as many packets wait as the ledger holds: leave a hole */
		c->collided_rx++;
		return;
	}
	p->position = position;
	p->skb = skb;
	p->nic_ns = nic_ns;
	p->rx_ns = rx_ns;
	p->digest = content->digest;
	p->head = content->head;
	p->payload_bytes = content->bytes;
	p->vnf = vnf;
	p->passed_over = 0;
	barrier();
	p->state = KOMON_QUEUED;
	if (cpu) {
		cpu->last.skb = skb;
		cpu->last.position = position;
		cpu->last.queue = key;
	}
}

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
		if (is_queued(freed) && vnf_of_port(transport_destination(freed, direct)) != NO_VNF)
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
__attribute__((noinline)) int queue_take(__u32 queue_key, __u64 skb, __u64 digest, __u32 bytes)
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
