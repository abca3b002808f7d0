/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The state that /proc/vnfinfo_udp showed in 2019, kept in a map: the send program fills it, `komon ctl` changes it,
 * a pinned iterator prints it. A word that both sides change carries the number of the interval in its upper half, so
 * that what belongs to an interval that was ended meanwhile finds another word there and does nothing.
 */
#pragma once

#include <linux/types.h>

struct komon_vnfinfo {
	__u64 taken;    /* epoch << 32 | places given to packets; KOMON_CLOSED places: none to give */
	__u64 done;     /* epoch << 32 | results written: the counter of 2019 */
	__u64 since_ns; /* packets that came before are not measured */
	__u32 sample_size;
	__u32 cbsize;   /* places there are */
	__u32 active;   /* 1 between start and the last result; the kernel does not write it */
	__u32 debug;
	__u64 missed;   /* packets that found no place because too many CPUs wanted one at the same moment */
	__u64 writer;   /* PID of the process that changes the state now, 0 = none. The kernel does not look */
};

enum komon_vnfinfo_limit {
	KOMON_CLOSED = 0x7fffffff,
	KOMON_MADE_BY_BYTES = 512,
};

/* Who made the pins: text (JSON), in a map of its own whose shape never changes, for other versions to read */
struct komon_made_by {
	char text[KOMON_MADE_BY_BYTES];
};

_Static_assert(sizeof(struct komon_vnfinfo) == 56, "vnfinfo");
