/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The memory of active probing: mmapable arrays, so user space reads without system calls. */
#pragma once

#include "komon/probe.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

volatile const struct komon_probe_options options SEC(".rodata.options");
struct komon_probe_control control SEC(".data.control") = {};

/* clang describes in BTF only types that something reaches */
const struct komon_probe_head *const type_of_head __attribute__((used));
const enum komon_probe_kind *const type_of_probe_kind __attribute__((used));
const enum komon_answer_kind *const type_of_answer_kind __attribute__((used));
const enum komon_answer_flag *const type_of_answer_flag __attribute__((used));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_probe_slot);
} slots SEC(".maps");

/* Index: CPU */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_probe_cpu);
} cpus SEC(".maps");

/* Each CPU's log, one behind the other */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_probe_answer);
} answers SEC(".maps");

/* Of the answers at the same places; one, and unused, where no far end writes stamps */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_probe_far);
} far_stamps SEC(".maps");

/* When the packet came that this CPU is now handing up, for tc: its own turn comes later. 0 = not noted */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} arrival SEC(".maps");

static __always_inline struct komon_probe_cpu *this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &cpu);
}

static __always_inline struct komon_probe_slot *slot_of(__u32 sequence)
{
	__u32 key = sequence & options.slot_mask;

	return bpf_map_lookup_elem(&slots, &key);
}
