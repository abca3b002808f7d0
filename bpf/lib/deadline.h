/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Packets that took longer than they may. A run of misses is one in the order in which packets leave, whatever CPU
 * they leave on, so the entry is shared by all CPUs.
 */
#pragma once

#include "atomic.h"
#include "komon/deadline.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define RAISE_TRIES 4

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_deadline);
} deadlines SEC(".maps");

/* Sets the maximum; false when it already was as high. Another CPU may raise it meanwhile: look again */
static __always_inline bool raise(__u64 *maximum, __u64 value)
{
	for (int i = 0; i < RAISE_TRIES; i++) {
		__u64 was = *(volatile __u64 *)maximum;

		if (value <= was)
			return false;
		if (CLAIM(maximum, was, value))
			return true;
	}
	return false;
}

/* `index` of the entry, the time it took, and when it ended. Own function, verified once */
__attribute__((noinline)) int judge(__u32 index, __u64 ns, __u64 now, __u64 deadline_ns)
{
	struct komon_deadline *d = bpf_map_lookup_elem(&deadlines, &index);

	if (!d)
		return 0;
	__sync_fetch_and_add(&d->judged, 1);
	if (raise(&d->worst_ns, ns))
		d->worst_at_ns = now;
	if (ns <= deadline_ns) {
		if (d->run)
			d->run = 0;
		return 0;
	}
	__sync_fetch_and_add(&d->missed, 1);
	raise(&d->longest_run, FETCH_ADD(&d->run, 1) + 1);
	return 1;
}
