/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What `cat` shows of an attached probe: an iterator over `results`, pinned as vnfinfo_udp, that prints the texts and
 * values of KOMon's /proc/vnfinfo_udp. Its maps are those of the probe (bpf/vnf.bpf.c), handed over before the load.
 */
#include "lib/vnfinfo_maps.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* clang describes in BTF only types that something reaches */
const enum komon_vnfinfo_limit *const type_of_limit __attribute__((used));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_made_by);
} made_by SEC(".maps");

#define READERS 64 /* at once; the text of one more could be cut */

/* What a reader is shown is decided at its first element: the last result may come while it reads */
struct {
	__u64 session;
	__u64 is_done;
} readers[READERS];

/* The kernel calls it for each element in turn, and once more without one. Nothing printed: the element is skipped */
SEC("iter/bpf_map_elem")
int vnfinfo_udp(struct bpf_iter__bpf_map_elem *context)
{
	struct seq_file *seq = context->meta->seq;
	__u32 zero = 0, *key = context->key;
	__u64 *value = context->value;
	struct komon_vnfinfo *s = bpf_map_lookup_elem(&vnfinfo, &zero);

	if (!s || !key || !value)
		return 0;
	__u64 done = s->done;
	__u32 counter = COUNT(done), wanted = s->sample_size;
	__u64 session = context->meta->session_id;
	__u32 reader = session % READERS;
	bool is_done = counter >= wanted && EPOCH(done) == EPOCH(s->taken);

	if (*key == 0) {
		readers[reader].session = session;
		readers[reader].is_done = is_done;
	}
	if (is_done && readers[reader].session == session && readers[reader].is_done) {
		if (*key + 1 < wanted)
			BPF_SEQ_PRINTF(seq, "%llu;", *value);
		else if (*key + 1 == wanted)
			BPF_SEQ_PRINTF(seq, "%llu\n", *value);
	} else if (*key == 0) {
		if (s->active)
			BPF_SEQ_PRINTF(seq, "ACTIVE. %u Packets monitored.\n", counter);
		else
			BPF_SEQ_PRINTF(seq, "WAITING. Activate first!\n");
	}
	return 0;
}
