/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What answers a probe, and what leaves as one. */
#pragma once

#include "probe_packet.h"

/* The packet's source against the destination of the one that it quotes */
static __always_inline bool is_from_addressee(const enum way way, const struct packet *p, __u32 quoted)
{
	__u64 here[2] __attribute__((aligned(8))), there[2] __attribute__((aligned(8)));
	const bool is_ipv4 = p->protocol == ETH_P_IP_BE;
	const void *from, *to;

	if (is_ipv4) {
		from = bytes_at(way, p, 12, here, 4);
		to = bytes_at(way, p, quoted + 16, there, 4);
		return from && to && *(const __be32 *)from == *(const __be32 *)to;
	}
	from = bytes_at(way, p, 8, here, 16);
	to = bytes_at(way, p, quoted + 24, there, 16);
	if (!from || !to)
		return false;
	const __u64 *a = from, *b = to;

	return a[0] == b[0] && a[1] == b[1];
}

/* An answer to one of our probes? Foreign packets leave after as few looks as can be */
static __always_inline enum verdict find_answer(const enum way way, const struct packet *p, struct found *f)
{
	__u8 protocol = 0;
	__u8 room[20] __attribute__((aligned(8)));
	const __u8 *h;
	__u32 at = after_ip(way, p, 0, p->protocol, f, &protocol);

	if (!at)
		return FOREIGN;
	if (options.kind == KOMON_PROBE_ICMP) {
		if (protocol != (p->protocol == ETH_P_IP_BE ? PROTO_ICMP : PROTO_ICMPV6))
			return FOREIGN;
		h = bytes_at(way, p, at, room, 8);
		if (!h || h[0] != (protocol == PROTO_ICMP ? 0 : 129) || h[1])
			return FOREIGN;
		f->kind = KOMON_ANSWER_ECHO;
		if (read_head(way, p, at + 8, f) != OURS)
			return FOREIGN;
		if (options.reflected)
			read_far_stamps(way, p, at + 8 + options.head_offset + 20, f);
		return short_of_probe(p, f) ? TRUNCATED : OURS;
	}
	if (options.kind == KOMON_PROBE_TCP) {
		if (protocol != PROTO_TCP)
			return FOREIGN;
		h = bytes_at(way, p, at, room, 20);
		if (!h || net16(h) != options.remote_port || net16(h + 2) != options.local_port)
			return FOREIGN;
		if ((h[13] & 0x16) == 0x12)
			f->kind = KOMON_ANSWER_SYNACK;
		else if ((h[13] & 0x14) == 0x14)
			f->kind = KOMON_ANSWER_RESET;
		else
			return FOREIGN;
		f->sequence = net32(h + 8) - 1 - options.isn_base;
		f->target = ~0u; /* TCP carries none; the slot knows it */
		return OURS;
	}
	if (protocol == PROTO_UDP) {
		h = bytes_at(way, p, at, room, 8);
		if (!h || net16(h) != options.remote_port || net16(h + 2) != options.local_port)
			return FOREIGN;
		f->kind = KOMON_ANSWER_ECHO;
		if (read_head(way, p, at + 8, f) != OURS)
			return FOREIGN;
		if (options.reflected)
			read_far_stamps(way, p, at + 8, f);
		return short_of_probe(p, f) ? TRUNCATED : OURS;
	}
	/* Port unreachable, with the probe inside, from the very host that it was sent to: that host is there */
	if (protocol != PROTO_ICMP && protocol != PROTO_ICMPV6)
		return FOREIGN;
	h = bytes_at(way, p, at, room, 8);
	if (!h || h[0] != (protocol == PROTO_ICMP ? 3 : 1))
		return FOREIGN;
	if (h[1] != (protocol == PROTO_ICMP ? 3 : 4) || !is_from_addressee(way, p, at + 8))
		return FOREIGN;
	f->kind = KOMON_ANSWER_UNREACHABLE;
	struct found inner = {};
	__u8 inside = 0;

	at = after_ip(way, p, at + 8, p->protocol, &inner, &inside);
	if (!at || inside != PROTO_UDP)
		return FOREIGN;
	h = bytes_at(way, p, at, room, 8);
	if (!h || net16(h) != options.local_port || net16(h + 2) != options.remote_port)
		return FOREIGN;
	return read_head(way, p, at + 8, f);
}

/* One of our probes on its way out? They have no IP options */
static __always_inline bool find_probe(const enum way way, const struct packet *p, struct found *f)
{
	__u8 protocol = 0;
	__u8 room[8] __attribute__((aligned(8)));
	const __u8 *h;
	__u32 at = after_ip(way, p, 0, p->protocol, f, &protocol);

	if (!at)
		return false;
	if (options.kind == KOMON_PROBE_ICMP) {
		if (protocol != (p->protocol == ETH_P_IP_BE ? PROTO_ICMP : PROTO_ICMPV6))
			return false;
		h = bytes_at(way, p, at, room, 8);
		if (!h || h[0] != (protocol == PROTO_ICMP ? 8 : 128))
			return false;
	} else {
		if (protocol != (options.kind == KOMON_PROBE_TCP ? PROTO_TCP : PROTO_UDP))
			return false;
		h = bytes_at(way, p, at, room, 8);
		if (!h || net16(h) != options.local_port || net16(h + 2) != options.remote_port)
			return false;
	}
	if (options.kind == KOMON_PROBE_TCP) {
		f->sequence = net32(h + 4) - options.isn_base;
		f->target = ~0u;
		return true;
	}
	return read_head(way, p, at + 8, f) == OURS;
}
