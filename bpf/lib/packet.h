/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What komon asks of an skb: where its UDP header is, whose port it goes to, what it carries. */
#pragma once

#include "digest.h"
#include "load.h"

#define ETH_P_IP_BE 0x0008   /* 0x0800 */
#define ETH_P_IPV6_BE 0xDD86 /* 0x86DD */
#define IPPROTO_UDP_ 17
#define IPPROTO_HOPOPTS_ 0
#define IPPROTO_DSTOPTS_ 60

struct udp_header {
	__be16 source, dest, length, check;
};

#define UNKNOWN_BYTES (~0u)

struct content {
	__u64 digest; /* 0 = the payload does not lie in the skb's linear part */
	__u64 head;   /* first 8 bytes */
	__u32 bytes;  /* UNKNOWN_BYTES: it says nothing of use */
};

/* Destination port, host order, of a packet that is still at the network header; 0 = not UDP */
static __always_inline __u16 udp_destination(struct sk_buff *skb, const bool direct)
{
	unsigned char *network = LOAD(direct, skb, head) + LOAD(direct, skb, network_header);
	__u16 protocol = LOAD(direct, skb, protocol);
	union {
		struct {
			__u8 byte[40];
			struct udp_header udp;
		};
		__u64 word[6];
	} h;

	if (protocol == ETH_P_IP_BE) {
		if (!peek(h.word, network, 3, direct) || h.byte[9] != IPPROTO_UDP_)
			return 0;
		if ((h.byte[6] & 0x1f) | h.byte[7]) /* a later fragment has no UDP header */
			return 0;
		__u32 length = (h.byte[0] & 15) * 4;

		if (length == 20)
			return HOST16(*(__be16 *)&h.byte[22]);
		struct udp_header udp;

		return bpf_probe_read_kernel(&udp, sizeof(udp), network + length) ? 0 : HOST16(udp.dest);
	}
	if (protocol == ETH_P_IPV6_BE) {
		if (!peek(h.word, network, 6, direct))
			return 0;
		__u8 next = h.byte[6];

		if (next == IPPROTO_UDP_)
			return HOST16(h.udp.dest);
		network += 40;
		for (int i = 0; i < 2 && (next == IPPROTO_HOPOPTS_ || next == IPPROTO_DSTOPTS_); i++) {
			if (bpf_probe_read_kernel(&h, 2, network))
				return 0;
			next = h.byte[0];
			network += (h.byte[1] + 1) * 8;
		}
		if (next == IPPROTO_UDP_ && !bpf_probe_read_kernel(&h.udp, 8, network))
			return HOST16(h.udp.dest);
	}
	return 0;
}

/*
 * Does this skb lie in a UDP socket's queue? There `dev` holds other things, and no kernel address (dev_scratch,
 * net/ipv4/udp.c, since 4.10).
 */
static __always_inline bool is_queued(struct sk_buff *skb, const bool direct)
{
	return (__s64)LOAD(direct, skb, dev_scratch) >= 0;
}

/* Destination port of one whose transport header is set; whatever lies there when it is not UDP */
static __always_inline __u16 transport_destination(struct sk_buff *skb, const bool direct)
{
	struct udp_header udp;
	unsigned char *head = LOAD(direct, skb, head);
	__u32 transport = LOAD(direct, skb, transport_header);

	return bpf_probe_read_kernel(&udp, sizeof(udp), head + transport) ? 0 : HOST16(udp.dest);
}

/* The payload of an skb whose transport header is set */
static __always_inline struct content udp_content(struct sk_buff *skb, const bool direct)
{
	struct content content = {};
	struct payload payload = {};
	unsigned char *head = LOAD(direct, skb, head);
	__u32 transport = LOAD(direct, skb, transport_header);
	struct udp_header udp;

	if (bpf_probe_read_kernel(&udp, sizeof(udp), head + transport))
		return content;
	content.bytes = HOST16(udp.length) - 8;
	if (content.bytes > 0xffff) { /* length 0: with IPv6 as long as the packet; < 8: broken */
		content.bytes = UNKNOWN_BYTES;
		return content;
	}
	/* Linear bytes behind the UDP header: skb->data is at the network or at the UDP header here, so count from head */
	__u32 window = digest_window(content.bytes);
	__u32 paged = LOAD(direct, skb, data_len);

	if (paged && paged + window > content.bytes) /* the window reaches into the page fragments */
		return content;
	if (window > DIGEST_MOST)
		return content;
	if (window && bpf_probe_read_kernel(&payload, window, head + transport + 8 + options.digest_offset))
		return content;
	content.digest = digest_of(&payload);
	if (options.digest_offset == 0)
		content.head = payload.word[0];
	else if (content.bytes >= 8)
		bpf_probe_read_kernel(&content.head, 8, head + transport + 8);
	return content;
}

#define LINEAR_OFFSET_MOST 1024

/*
 * The same by plain loads instead of helper calls, where the whole window lies in the linear part, as it mostly does.
 * `context->data` is the network header. False: ask udp_content.
 */
static __always_inline bool linear_content(struct __sk_buff *context, struct sk_buff *skb, struct content *content)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct udp_header *udp = data + ((skb->transport_header - skb->network_header) & 0x1ff);
	__u64 *window = (void *)(udp + 1) + options.digest_offset;
	struct payload payload = {};

	if (options.digest_bytes % 8 || !options.digest_bytes || options.digest_bytes > DIGEST_MOST ||
	    options.digest_offset > LINEAR_OFFSET_MOST || (void *)window + options.digest_bytes > end)
		return false;
	content->bytes = HOST16(udp->length) - 8;
	if (content->bytes > 0xffff || content->bytes < options.digest_offset + options.digest_bytes)
		return false;
#pragma unroll
	for (int i = 0; i < DIGEST_MOST / 8; i++)
		if (i * 8 < options.digest_bytes)
			payload.word[i] = window[i];
	content->digest = digest_of(&payload);
	content->head = *(__u64 *)(udp + 1);
	return true;
}
