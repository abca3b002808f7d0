/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The sojourn times of the first packets since `start`, as KOMon's kernel module kept them. */
#pragma once

#include "atomic.h"
#include "vnfinfo_maps.h"

#define PLACE_TRIES 32 /* more CPUs than that at the same few instructions are not to be expected */

/*
 * Keeps one packet's result if the interval that runs has room for it. Own function, verified once.
 * The epoch is read first and compared again by the swap: had `start` come between, the swap would fail.
 */
__attribute__((noinline)) int vnfinfo_result(__u64 rx_ns, __u64 now)
{
	__u32 zero = 0;
	struct komon_vnfinfo *s = bpf_map_lookup_elem(&vnfinfo, &zero);

	if (!s)
		return 0;
	for (int i = 0; i < PLACE_TRIES; i++) {
		__u64 taken = *(volatile __u64 *)&s->taken;
		__u32 place = COUNT(taken);

		if (place >= s->sample_size || rx_ns < s->since_ns)
			return 0;
		if (!CLAIM(&s->taken, taken, taken + 1))
			continue;
		__u64 *result = bpf_map_lookup_elem(&results, &place);

		if (result)
			*result = now - rx_ns;
		for (int k = 0; k < PLACE_TRIES; k++) {
			__u64 done = *(volatile __u64 *)&s->done;

			if (EPOCH(done) != EPOCH(taken) || CLAIM(&s->done, done, done + 1))
				break;
		}
		if (s->debug)
			bpf_printk("komon: packet %u of %u: %llu ns", place + 1, s->sample_size, now - rx_ns);
		return 1;
	}
	__sync_fetch_and_add(&s->missed, 1);
	return 0;
}
