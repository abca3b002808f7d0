/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Deadlines as both sides see them: one entry a VNF, over all CPUs, counted since the probe was opened. */
#pragma once

#include <linux/types.h>

struct komon_deadline {
	__u64 judged;
	__u64 missed;
	__u64 run;         /* misses in a row that end with the packet judged last */
	__u64 longest_run;
	__u64 worst_ns;
	__u64 worst_at_ns; /* when the worst packet was sent, CLOCK_MONOTONIC */
};

_Static_assert(sizeof(struct komon_deadline) == 48, "deadline");
