/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Point read: the VNF has the packet */
#pragma once

#include "held.h"
#include "match.h"
#include "point_rx.h"
#include "queue_take.h"
#include "user.h"
#include <bpf/bpf_tracing.h>

#define EINTR 4
#define EAGAIN 11
#define ENOBUFS 105
#define ECONNREFUSED 111
#define MSG_PEEK 2
#define RCV_SHUTDOWN 1
#define MSG_ERRQUEUE 0x2000

/* The buffer of the receive call that runs now, as noted at its begin */
static __always_inline struct user_data receive_buffer(struct komon_thread *t)
{
	struct user_data data = {};
	__u64 address = t->recv_buffer;
	struct abi_msghdr m;

	switch (t->recv_kind) {
	case KOMON_BUFFER_PLAIN:
		data.buffer = t->recv_buffer;
		data.contiguous = t->recv_rest;
		break;
	case KOMON_BUFFER_IOVEC:
		first_iovec(&data, address);
		break;
	case KOMON_BUFFER_MMSGHDR:
		address += t->recv_rest++ * sizeof(struct abi_mmsghdr);
		/* fall through */
	case KOMON_BUFFER_MSGHDR:
		if (!bpf_probe_read_user(&m, offsetof(struct abi_msghdr, iov_length), (void *)address))
			first_iovec(&data, m.iov);
		break;
	}
	return data;
}

/* The VNF's thread asks for a packet: note where it wants it */
static __always_inline int at_receive(struct sock *sk, struct msghdr *message, const bool direct)
{
	__u32 key, tid = current_tid();

	__u32 vnf = vnf_of_port(LOAD(direct, sk, __sk_common.skc_num));

	if (vnf == NO_VNF || !in_namespace(&control.filter[vnf % KOMON_VNFS], sk, direct))
		return 0;
	struct komon_thread *t = thread_find(tid, &key);
	struct user_data data = {};

	if (!t)
		t = thread_claim(tid, &key);
	if (!t)
		return 0;
	from_message(&data, message, direct);
	t->recv_kind = data.buffer ? KOMON_BUFFER_PLAIN : KOMON_BUFFER_NONE;
	t->recv_buffer = data.buffer;
	t->recv_rest = data.contiguous;
	t->recv_reads = t->reads;
	return 0;
}

SEC("fentry/udp_recvmsg")
int BPF_PROG(receive_fentry, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, true);
}

SEC("fentry/udpv6_recvmsg")
int BPF_PROG(receive6_fentry, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, true);
}

SEC("kprobe/udp_recvmsg")
int BPF_KPROBE(receive_kprobe, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, false);
}

SEC("kprobe/udpv6_recvmsg")
int BPF_KPROBE(receive6_kprobe, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, false);
}

/* `packet`: the skb that was read, 0 = unknown */
static __always_inline int at_read(struct sock *sk, __u64 packet, int bytes, const bool direct)
{
	__u32 vnf = vnf_of_port(LOAD(direct, sk, __sk_common.skc_num));

	if (vnf == NO_VNF || LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	struct komon_vnf_filter *filter = &control.filter[vnf % KOMON_VNFS];

	if (!in_namespace(filter, sk, direct))
		return 0;
	struct komon_counters *c = counters_of(vnf);
	__u32 queue_key, key, tid = current_tid();
	struct komon_queue *q = queue_find(identity(sk, direct), &queue_key);
	struct komon_thread *t = thread_find(tid, &key);
	__u64 digest = 0, head = 0;
	struct user_data data = {};
	int slot = -1;

	if (!c)
		return 0;
	c->reads++;
	if (!t)
		t = thread_claim(tid, &key);
	if (t) {
		data = receive_buffer(t);
		if (!packet)
			digest = user_digest(&data, bytes, &head);
	}
	if (q)
		slot = queue_take(q, queue_key, packet, digest, bytes);
	if (!q || slot < 0) {
		c->unknown_reads++;
		return 0;
	}
	if ((filter->tgid && bpf_get_current_pid_tgid() >> 32 != filter->tgid) ||
	    (options.cgroup_asked && filter->cgroup && /* the helper: 5.6 */
	     bpf_get_current_ancestor_cgroup_id(filter->cgroup_level) != filter->cgroup)) {
		c->filtered_read++;
		return 0;
	}
	if (!t) {
		c->collided_read++;
		return 0;
	}
	struct komon_queued *p = &q->packet[slot % KOMON_QUEUE_PACKETS];

	if (!p->digest) { /* its payload lay in page fragments; now it lies before the VNF */
		p->digest = packet ? user_digest(&data, bytes, &head) : digest;
		p->head = p->digest ? head : ~0ull; /* no sequence number */
		if (p->payload_bytes == UNKNOWN_BYTES)
			p->payload_bytes = bytes;
	}
	hold(t, p, data.buffer);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(read_tp, struct sock *sk, int length, int flags)
{
	if (length < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	if (length == 0 && sk->sk_shutdown & RCV_SHUTDOWN) /* woken without a packet */
		return 0;
	return at_read(sk, 0, length, true);
}

/* A send call has failed for a reason that passes; where it does not pass, the packet was given back and is lost */
static __always_inline bool is_tried_again(long result)
{
	return result == -EINTR || result == -EAGAIN || result == -ENOBUFS || result == -ECONNREFUSED;
}

/*
 * A receive call returns, also one that got several packets: only now does the VNF have them. A send call returns whose
 * packet has not come to a device: it waits for its neighbour's address, or is lost. Every system call of the host
 * comes here; strangers leave after one look at the ids.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(read_sys_exit, struct pt_regs *regs, long result)
{
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t)
		return 0;
	if (t->send_ns && is_tried_again(result)) /* that will be its send */
		t->send_ns = 0;
	else if (t->send_ns)
		pair_now(t, key, t->send_bytes);
	if (t->returned == t->reads)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u32 first = t->reads - t->returned < KOMON_HELD ? t->returned : t->reads - KOMON_HELD;

	t->returned = t->reads;
	for (__u32 i = 0; i < KOMON_HELD && first + i != t->reads; i++) {
		struct komon_held *h = held_at(t, first + i);

		if (h->state == KOMON_READ) /* not sent since, where the kernel has left out the end of an earlier call */
			h->read_ns = now;
	}
	return 0;
}

/* MSG_PEEK gives its length below zero, and holds the packet beside the queue, which tells for an empty one */
static __always_inline int at_consume(struct sock *sk, struct sk_buff *skb, int length, const bool direct)
{
	if (length < 0 || (length == 0 && LOAD(direct, skb, users.refs.counter) > 1))
		return 0;
	return at_read(sk, identity(skb, direct), length, direct);
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(read_fentry, struct sock *sk, struct sk_buff *skb, int length)
{
	return at_consume(sk, skb, length, true);
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(read_kprobe, struct sock *sk, struct sk_buff *skb, int length)
{
	return at_consume(sk, skb, length, false);
}
