/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Finds a probe, or the answer to one, in a packet: one body of code over three ways to bytes, chosen at compile time.
 * XDP programs read the packet in place, tc programs ask for copies, tracing programs read kernel memory.
 */
#pragma once

#include "probe_maps.h"
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP_BE 0x0008
#define ETH_P_IPV6_BE 0xDD86
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6 58

enum way { IN_PLACE, BY_COPY, IN_KERNEL };

/* Where a packet's bytes are. Offsets count from the network header */
struct packet {
	void *start, *end; /* IN_PLACE, and start alone IN_KERNEL */
	struct __sk_buff *skb;
	__be16 protocol;
};

struct found {
	__u64 ns; /* read first of all: what follows takes longer when caches are cold */
	struct komon_probe_far far;
	__u32 sequence, target;
	__u32 bytes; /* from the network header on, as the header says */
	__u8 kind, ttl, flags;
};

enum verdict { FOREIGN, TRUNCATED, OURS };

/* Where `size` bytes from `offset` on lie, in the packet or copied to `room`. NULL: the packet has not so many */
static __always_inline const void *bytes_at(const enum way way, const struct packet *p, __u32 offset, void *room,
					    const __u32 size)
{
	if (way == IN_PLACE) {
		void *from = p->start + (offset & 0x3ff);

		return from + size > p->end ? NULL : from;
	}
	if (way == BY_COPY)
		return bpf_skb_load_bytes_relative(p->skb, offset, room, size, BPF_HDR_START_NET) ? NULL : room;
	return bpf_probe_read_kernel(room, size, p->start + offset) ? NULL : room;
}

/* Fields of any alignment: BPF may read packets so, in words. Byte by byte it takes a third longer */
static __always_inline __u16 net16(const __u8 *at)
{
	return bpf_ntohs(*(const __be16 *)at);
}

static __always_inline __u32 net32(const __u8 *at)
{
	return bpf_ntohl(*(const __be32 *)at);
}

/* The IP header: offset of what follows it, 0 = not for us. `protocol` is that of what follows */
static __always_inline __u32 after_ip(const enum way way, const struct packet *p, __u32 at, __be16 family,
				      struct found *f, __u8 *protocol)
{
	__u8 room[40] __attribute__((aligned(8)));

	if (family == ETH_P_IP_BE) {
		const __u8 *h = bytes_at(way, p, at, room, 20);

		if (!h || (h[0] >> 4) != 4)
			return 0;
		__u16 fragment = net16(h + 6);

		if (fragment & 0x1fff) /* a later fragment */
			return 0;
		if (fragment & 0x2000)
			f->flags |= KOMON_ANSWER_FRAGMENT;
		f->bytes = net16(h + 2);
		f->ttl = h[8];
		*protocol = h[9];
		return at + (h[0] & 15) * 4;
	}
	if (family == ETH_P_IPV6_BE) {
		const __u8 *h = bytes_at(way, p, at, room, 40);

		if (!h || (h[0] >> 4) != 6)
			return 0;
		f->bytes = 40 + net16(h + 4);
		f->ttl = h[7];
		*protocol = h[6];
		if (*protocol != PROTO_FRAGMENT)
			return at + 40;
		h = bytes_at(way, p, at + 40, room, 8);
		if (!h || (net16(h + 2) & 0xfff8))
			return 0;
		f->flags |= KOMON_ANSWER_FRAGMENT;
		*protocol = h[0];
		return at + 48;
	}
	return 0;
}

/* The head in the payload that starts at `at` */
static __always_inline enum verdict read_head(const enum way way, const struct packet *p, __u32 at, struct found *f)
{
	struct komon_probe_head room;
	const struct komon_probe_head *head = bytes_at(way, p, at + options.head_offset, &room, sizeof(room));

	if (!head || head->cookie != options.cookie)
		return FOREIGN;
	f->sequence = head->sequence;
	f->target = head->target;
	return OURS;
}

/* STAMP (RFC 8762) puts the far stamps at 4 (sending) and 16 (receiving), PTPv2 format: seconds, nanoseconds */
static __always_inline void read_far_stamps(const enum way way, const struct packet *p, __u32 at, struct found *f)
{
	__u8 room[20] __attribute__((aligned(8)));
	const __u8 *h = bytes_at(way, p, at + 4, room, 20);

	if (!h || !net32(h + 12))
		return;
	f->far.send_ns = net32(h) * 1000000000ull + net32(h + 4) - control.clock_offset_ns;
	f->far.receive_ns = net32(h + 12) * 1000000000ull + net32(h + 16) - control.clock_offset_ns;
	f->flags |= KOMON_ANSWER_REFLECTED;
}

static __always_inline bool short_of_probe(const struct packet *p, const struct found *f)
{
	return !(f->flags & KOMON_ANSWER_FRAGMENT) &&
	       f->bytes < (p->protocol == ETH_P_IP_BE ? options.bytes4 : options.bytes6);
}
