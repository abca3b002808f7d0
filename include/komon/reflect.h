/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The reflector: bpf/reflect.bpf.c answers probes in the driver, src/probes/active/reflector.ts sets it up. */
#pragma once

#include <linux/types.h>

/* In an ICMP probe's payload behind the head: "the block that follows is for your stamps". Big endian */
#define KOMON_REFLECT_MAGIC 0x4b4d4f4eu

/* RFC 8762, section 4.2 and 4.3, unauthenticated; stamps in PTPv2 format (RFC 8186): seconds, nanoseconds */
struct komon_stamp {
	__be32 sequence;
	__be32 sent[2];
	__be16 error_estimate;
	__be16 session; /* RFC 8972 */
	__be32 received[2];
	__be32 sender_sequence;
	__be32 sender_sent[2];
	__be16 sender_error_estimate;
	__be16 zero;
	__u8 sender_ttl;
	__u8 zeros[3];
} __attribute__((packed));

struct komon_reflect_options {
	__u16 port; /* UDP, host order */
	__u16 padding[3];
};

/* Written by user space */
struct komon_reflect_control {
	__u64 clock_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* IPv4 in the first four bytes, zeros behind */
struct komon_reflect_address {
	__u8 bytes[16];
};

/* Per CPU. seen = foreign + icmp + udp */
struct komon_reflect_counters {
	__u64 seen;
	__u64 foreign;
	__u64 icmp;
	__u64 udp;
};

_Static_assert(sizeof(struct komon_stamp) == 44, "RFC 8762 says 44 octets");
