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
	__u64 far_receive_ns, far_send_ns;
	__u64 cookie;
	__u32 sequence, target;
	__u32 bytes; /* from the network header on, as the header says */
	__u8 kind, ttl, flags;
};

enum verdict { FOREIGN, TRUNCATED, OURS };

static __always_inline bool load(const enum way way, const struct packet *p, __u32 offset, void *to, const __u32 size)
{
	if (way == IN_PLACE) {
		void *from = p->start + (offset & 0x3ff);

		if (from + size > p->end)
			return false;
		/* BPF may read packets unaligned, in words: byte by byte it takes a third longer */
		__builtin_memcpy(__builtin_assume_aligned(to, 8), __builtin_assume_aligned(from, 8), size);
		return true;
	}
	if (way == BY_COPY)
		return !bpf_skb_load_bytes_relative(p->skb, offset, to, size, BPF_HDR_START_NET);
	return !bpf_probe_read_kernel(to, size, p->start + offset);
}

/* The IP header: offset of what follows it, 0 = not for us. `protocol` is that of what follows */
static __always_inline __u32 after_ip(const enum way way, const struct packet *p, __u32 at, __be16 family,
				      struct found *f, __u8 *protocol)
{
	if (family == ETH_P_IP_BE) {
		__u8 h[20] __attribute__((aligned(8)));

		if (!load(way, p, at, h, sizeof(h)) || (h[0] >> 4) != 4)
			return 0;
		if ((h[6] & 0x1f) | h[7]) /* a later fragment */
			return 0;
		if (h[6] & 0x20)
			f->flags |= KOMON_ANSWER_FRAGMENT;
		f->bytes = h[2] << 8 | h[3];
		f->ttl = h[8];
		*protocol = h[9];
		return at + (h[0] & 15) * 4;
	}
	if (family == ETH_P_IPV6_BE) {
		__u8 h[40] __attribute__((aligned(8)));

		if (!load(way, p, at, h, sizeof(h)) || (h[0] >> 4) != 6)
			return 0;
		f->bytes = 40 + (h[4] << 8 | h[5]);
		f->ttl = h[7];
		*protocol = h[6];
		if (*protocol != PROTO_FRAGMENT)
			return at + 40;
		if (!load(way, p, at + 40, h, 8) || h[2] || (h[3] & 0xf8))
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
	struct komon_probe_head head;

	if (!load(way, p, at + options.head_offset, &head, sizeof(head)))
		return FOREIGN;
	f->cookie = head.cookie;
	f->sequence = head.sequence;
	f->target = head.target;
	return head.cookie == options.cookie ? OURS : FOREIGN;
}

/* STAMP (RFC 8762) puts the far stamps at 4 (sending) and 16 (receiving), PTPv2 format: seconds, nanoseconds */
static __always_inline void read_far_stamps(const enum way way, const struct packet *p, __u32 at, struct found *f)
{
	__be32 send[2] __attribute__((aligned(8))), receive[2] __attribute__((aligned(8)));

	if (!load(way, p, at + 4, send, 8) || !load(way, p, at + 16, receive, 8) || !receive[0])
		return;
	f->far_send_ns = bpf_ntohl(send[0]) * 1000000000ull + bpf_ntohl(send[1]) - control.clock_offset_ns;
	f->far_receive_ns = bpf_ntohl(receive[0]) * 1000000000ull + bpf_ntohl(receive[1]) - control.clock_offset_ns;
	f->flags |= KOMON_ANSWER_REFLECTED;
}

static __always_inline bool short_of_probe(const struct packet *p, const struct found *f)
{
	return !(f->flags & KOMON_ANSWER_FRAGMENT) &&
	       f->bytes < (p->protocol == ETH_P_IP_BE ? options.bytes4 : options.bytes6);
}
