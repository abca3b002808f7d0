/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Log-linear histogram: 2^KOMON_SUB_BITS equal buckets in every octave (the layout of HdrHistogram). */
#pragma once

#include "komon/vnf.h"
#include "vmlinux.h"

/*
 * Position of the highest bit set in 1 to 2^63 - 1. BPF has no instruction for it; without a branch it is as fast, and
 * nothing for the verifier to walk. The sign of the difference says whether v is larger.
 */
static __always_inline __u32 highest_bit(__u64 v)
{
	__u32 bit = 0, step;

#pragma unroll
	for (int half = 32; half > 0; half >>= 1) {
		step = (((1ull << half) - 1 - v) >> 63) * half;
		v >>= step;
		bit += step;
	}
	return bit;
}

static __always_inline __u32 bucket_of(__u64 ns)
{
	if (ns < (1 << KOMON_SUB_BITS))
		return ns;
	if (ns >> KOMON_MAX_BITS)
		return KOMON_BUCKETS - 1;
	__u32 shift = highest_bit(ns) - KOMON_SUB_BITS;

	return ((shift + 1) << KOMON_SUB_BITS) + ((ns >> shift) & ((1 << KOMON_SUB_BITS) - 1));
}

/* One program writes each span, and a program never nests with itself on one CPU: no atomics needed */
static __always_inline void record_span(struct komon_histograms *h, const __u32 span, __u64 ns)
{
	__u32 bucket = bucket_of(ns);

	h->count[span]++;
	h->sum_ns[span] += ns;
	if (ns > h->max_ns[span])
		h->max_ns[span] = ns;
	if (bucket < KOMON_BUCKETS)
		h->bucket[span][bucket]++;
}
