/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Round-trip times. The kernel measures one per acknowledgement and feeds it to its estimator; the estimator's
 * state before and after gives the measurement back exactly: with m the measurement, net/ipv4/tcp_input.c
 * (tcp_rtt_estimator) does srtt8 += m - (srtt8 >> 3), so m = srtt8' - srtt8 + (srtt8 >> 3).
 */
#pragma once

#include "atomic.h"
#include "histogram.h"
#include "tcp_table.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_tcp_group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct komon_tcp_group_key);
	__type(value, __u32);
} group_index SEC(".maps");

/* Keeps the first `bits` of an address */
static __always_inline void mask_address(__u8 *a, __u32 bits)
{
#pragma unroll
	for (int i = 0; i < 16; i++) {
		if (bits >= 8 * (i + 1))
			continue;
		a[i] = bits > 8 * i ? a[i] & (0xff00 >> (bits - 8 * i)) : 0;
	}
}

/* Which group the connection's times go to; the first one is `other`, for all that finds no room */
static __always_inline __u32 group_of(struct komon_tcp_conn *c)
{
	struct komon_tcp_group_key key = { .family = c->family };
	__u32 *known, other = 0, index;

	switch (options.group_by) {
	case KOMON_TCP_BY_LOCAL:
		__builtin_memcpy(key.addr, c->laddr, 16);
		break;
	case KOMON_TCP_BY_REMOTE:
		__builtin_memcpy(key.addr, c->raddr, 16);
		break;
	case KOMON_TCP_BY_SUBNET:
		__builtin_memcpy(key.addr, c->raddr, 16);
		mask_address(key.addr, c->family == KOMON_TCP_IPV4 ? 96 + options.prefix4 : options.prefix6);
		break;
	case KOMON_TCP_BY_PROCESS:
		key.pid = c->pid;
		/* fall through */
	case KOMON_TCP_BY_COMM:
		key.family = 0;
		__builtin_memcpy(key.comm, c->comm, 16);
		break;
	default:
		return other;
	}
	known = bpf_map_lookup_elem(&group_index, &key);
	if (known)
		return *known;
	index = EXCHANGE(&control.spare_group, 0);
	if (!index) {
		if (control.groups_used + 1 >= options.groups)
			goto full;
		index = __sync_fetch_and_add(&control.groups_used, 1) + 1;
		if (index >= options.groups)
			goto full;
	}
	struct komon_tcp_group *g = bpf_map_lookup_elem(&groups, &index);

	if (!g)
		return other;
	g->key = key;
	if (!bpf_map_update_elem(&group_index, &key, &index, BPF_NOEXIST))
		return index;
	CLAIM(&control.spare_group, 0, index); /* another CPU was faster: ours is for the next one */
	known = bpf_map_lookup_elem(&group_index, &key);
	if (known)
		return *known;
full:
	if (c->flags & KOMON_TCP_NO_GROUP) /* asked again once its address or owner is known */
		return other;
	c->flags |= KOMON_TCP_NO_GROUP;
	__sync_fetch_and_add(&control.counters.grouped_as_other, 1);
	return other;
}

/* 0 = none yet. Another CPU may lower it meanwhile: look again */
static __always_inline void lower(__u32 *minimum, __u32 us)
{
	for (int i = 0; i < 4; i++) {
		__u32 was = *(volatile __u32 *)minimum;

		if ((was && was <= us) || CLAIM(minimum, was, us))
			return;
	}
}

static __always_inline void raise(__u32 *maximum, __u32 us)
{
	for (int i = 0; i < 4; i++) {
		__u32 was = *(volatile __u32 *)maximum;

		if (was >= us || CLAIM(maximum, was, us))
			return;
	}
}

/* RFC 6298, with the kernel's scaling: srtt * 8, mdev * 4 */
static __always_inline void estimate(struct komon_tcp_group *g, __u32 us)
{
	__s32 error;

	if (!g->srtt) {
		g->srtt = us << 3;
		g->mdev = us << 1;
		return;
	}
	error = us - (g->srtt >> 3);
	g->srtt += error;
	if (error < 0)
		error = -error;
	g->mdev += error - (g->mdev >> 2);
}

static __always_inline void record_rtt(struct komon_tcp_conn *c, __u32 slot, __u32 us)
{
	struct komon_tcp_rtts *r = bpf_map_lookup_elem(&rtts, &slot);
	__u32 bucket = bucket_of(us), small = bucket >> 1;

	c->rtt_last_us = us;
	if (!c->rtt_samples || us < c->rtt_min_us)
		c->rtt_min_us = us;
	if (us > c->rtt_max_us)
		c->rtt_max_us = us;
	c->rtt_samples++;
	c->rtt_sum_us += us;
	if (small >= KOMON_TCP_RTT_BUCKETS)
		small = KOMON_TCP_RTT_BUCKETS - 1;
	if (r)
		r->bucket[small]++;

	struct komon_tcp_group *g = bpf_map_lookup_elem(&groups, &c->group);

	if (!g || bucket >= KOMON_BUCKETS)
		return;
	/* Several CPUs may feed one group; one of two samples at the same moment may be missing in the estimate */
	estimate(g, us);
	lower(&g->min_us, us);
	raise(&g->max_us, us);
	__sync_fetch_and_add(&g->sum_us, us);
	__sync_fetch_and_add(&g->bucket[bucket], 1);
}

/* Has an acknowledgement been processed since the last look? Then its round-trip time is in the estimator */
static __always_inline void look(struct komon_tcp_conn *c, __u32 slot, struct tcp_sock *tp)
{
	__u32 srtt = tp->srtt_us, mdev = tp->mdev_us, before = c->srtt;
	__u64 acked = tp->bytes_acked;

	if (srtt == before && mdev == c->mdev && acked == c->acked_bytes)
		return;
	c->srtt = srtt;
	c->mdev = mdev;
	c->acked_bytes = acked;
	if (!srtt || !(c->flags & KOMON_TCP_WATCHED))
		return;
	record_rtt(c, slot, before ? srtt - before + (before >> 3) : srtt >> 3);
}

/* The bucket in which the `percent`-th part of the connection's times ends */
__attribute__((noinline)) int rtt_quantile(__u32 slot, __u32 percent)
{
	struct komon_tcp_rtts *r = bpf_map_lookup_elem(&rtts, &slot);
	struct komon_tcp_conn *c = bpf_map_lookup_elem(&conns, &slot);
	__u64 rank, seen = 0;

	if (!r || !c)
		return 0;
	rank = ((__u64)c->rtt_samples * percent + 99) / 100;
	for (int i = 0; i < KOMON_TCP_RTT_BUCKETS; i++) {
		seen += r->bucket[i];
		if (seen >= rank)
			return i;
	}
	return KOMON_TCP_RTT_BUCKETS - 1;
}
