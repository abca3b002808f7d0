/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The forwarding probe's memory as both sides see it: bpf/forward.bpf.c writes it, src/probes/forward reads it.
 * Its histograms are those of include/komon/vnf.h, with KOMON_TOTAL alone in use.
 */
#pragma once

#include <linux/types.h>

enum komon_forward_limit {
	KOMON_PASSING = 16384,            /* places for packets between nic and tx, power of two */
	KOMON_PASSING_EXPIRY_NS = 1000000000, /* a packet that has not come out by then is given up */
};

/* Fixed before the programs are loaded. 0 = any */
struct komon_forward_options {
	__u32 in_ifindex;
	__u32 out_ifindex;
	__u32 netns; /* inode number of the network namespace */
	__u32 pad;
	__u64 deadline_ns;
};

/* A packet that has come in and not gone out; free while skb is 0 */
struct komon_passing {
	__u64 skb;
	__u64 nic_ns;
	__u32 in_ifindex;
	__u32 elsewhere; /* it went out at a device that is not asked for */
};

/* Per CPU. Each field has one program that writes it, so that plain increments are exact */
struct komon_forward_counters {
	/* nic */
	__u64 seen;
	__u64 collided; /* all places it could have were taken */
	__u64 expired;  /* never came out: for this host itself, or held back longer than the expiry */
	__u64 filtered; /* came out, elsewhere */
	/* tx */
	__u64 matched;
	/* drop */
	__u64 dropped; /* freed by the stack as dropped */
};

_Static_assert(sizeof(struct komon_passing) == 24, "passing");
_Static_assert(sizeof(struct komon_forward_counters) == 48, "counters");
