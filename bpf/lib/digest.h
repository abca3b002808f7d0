/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * A packet's identity: a 64-bit digest of `digest_bytes` bytes of its payload from `digest_offset` on,
 * zeros behind a shorter one; the length is compared beside it. The same function runs over the skb and over
 * the VNF's own buffer.
 */
#pragma once

#include "komon/vnf.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define DIGEST_MOST 64

/* Set by user space before load; constants to the verifier, so what they rule out costs nothing */
const volatile struct komon_vnf_options options SEC(".rodata.options") = {
	.vnfs = 1,
	.tx_watched = 1,
	.digest_bytes = 32,
};

struct payload {
	__u64 word[DIGEST_MOST / 8];
};

/* Multiply and fold, one round a word: every bit of the word reaches the high half, the fold brings it back */
static __always_inline __u64 digest_of(const struct payload *payload)
{
	__u64 hash = 0x9E3779B97F4A7C15ull;

#pragma unroll
	for (int i = 0; i < DIGEST_MOST / 8; i++) {
		if (i * 8 >= options.digest_bytes)
			break;
		hash = (hash ^ payload->word[i]) * 0xD6E8FEB86659FD93ull;
		hash ^= hash >> 32;
	}
	return hash | 1; /* 0 says: unknown */
}

/* How many of the window's bytes a payload of `bytes` has */
static __always_inline __u32 digest_window(__u32 bytes)
{
	if (bytes <= options.digest_offset)
		return 0;
	bytes -= options.digest_offset;
	return bytes < options.digest_bytes ? bytes : options.digest_bytes;
}
