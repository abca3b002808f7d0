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
#define QUEUE_IDLE_NS 10000000000ll /* a queue idle for 10 s may be given to another socket */
#define QUEUE_EMPTY_NS 1000000ll    /* and one where nothing waits, after 1 ms */

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
static __always_inline struct komon_queue *queue_claim_idle(__u64 socket, struct sock *sk, __u64 now, __s64 empty_ns,
							    __u32 *key)
{
	for (int i = 0; i < QUEUE_PROBES; i++) {
		*key = (socket_hash(socket) + i) % KOMON_QUEUES;
		struct komon_queue *q = bpf_map_lookup_elem(&queues, key);

		if (!q)
			continue;
		__u64 was = q->sk;

		if (was == socket) /* another CPU was faster */
			return q;
		if (was && SINCE(now, q->active_ns) < (q->next > q->tail ? empty_ns : QUEUE_IDLE_NS))
			continue;
		q->active_ns = now; /* before it is ours: nobody else may find it idle then */
		if (CLAIM(&q->sk, was, socket)) {
			/* What waited in this socket before komon came has no entry: as many reads will find holes */
			q->base = FETCH_ADD(&q->tail, (__u64)socket_backlog(sk));
			q->next = q->base + 1;
			return q;
		}
		if (q->sk == socket)
			return q;
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
		p->state = KOMON_EMPTY;
		barrier();
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
