/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The maps that the program that measures and the iterator that prints share. */
#pragma once

#include "komon/vnfinfo.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_vnfinfo);
} vnfinfo SEC(".maps");

/* Sojourn times in ns, in the order in which the packets were sent; as many as cbsize */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

/* The halves of komon_vnfinfo's taken and done */
#define EPOCH(word) ((word) >> 32)
#define COUNT(word) ((__u32)(word))
