/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The VNF probe's memory. All that user space reads but the ring are mmapable arrays: it takes no system calls. */
#pragma once

#include "digest.h"
#include "komon/vnf.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct komon_vnf_control control SEC(".data.control") = {};

/* clang describes in BTF only types that something reaches */
const struct komon_sample *const type_of_sample __attribute__((used));
const enum komon_packet_state *const type_of_state __attribute__((used));
const enum komon_sample_flag *const type_of_flag __attribute__((used));
const enum komon_span *const type_of_span __attribute__((used));
const enum komon_limit *const type_of_limit __attribute__((used));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KOMON_QUEUES);
	__type(key, __u32);
	__type(value, struct komon_queue);
} queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KOMON_THREADS);
	__type(key, __u32);
	__type(value, struct komon_thread);
} threads SEC(".maps");

/* Index: cpu * options.vnfs + vnf */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_histograms);
} histograms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} samples SEC(".maps");

static __always_inline struct komon_counters *counters_of(__u32 vnf)
{
	__u32 key = bpf_get_smp_processor_id() * options.vnfs + vnf;

	return bpf_map_lookup_elem(&counters, &key);
}

static __always_inline struct komon_histograms *histograms_of(__u32 vnf)
{
	__u32 key = bpf_get_smp_processor_id() * options.vnfs + vnf;

	return bpf_map_lookup_elem(&histograms, &key);
}

#define NO_VNF (~0u)

/* The VNF that listens on this port, host order */
static __always_inline __u32 vnf_of_port(__u16 port)
{
	__u32 index = port;

	/* Verifiers up to 6.17 or so forget a number's bounds where its bytes are swapped: say them again */
	barrier_var(index);
	return (__u32)control.vnf_of_port[index & 0xffff] - 1;
}
