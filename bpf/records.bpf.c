/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* For the benchmark of reading: each run writes one record, as the VNF probe does for a sampled packet. */
#include "komon/vnf.h"
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} samples SEC(".maps");

struct {
	__u64 written, lost;
} count;

/* For tc: before a series of test runs of an XDP program the kernel waits for all CPUs, tens of ms each time */
SEC("tc")
int write_record(struct __sk_buff *context)
{
	struct komon_sample *s = bpf_ringbuf_reserve(&samples, sizeof(*s), 0);

	if (!s) {
		count.lost++;
		return 0;
	}
	__builtin_memset(s, 0, sizeof(*s));
	s->rx_ns = s->read_ns = s->send_ns = bpf_ktime_get_ns();
	s->head = ++count.written;
	s->payload_bytes = 128;
	bpf_ringbuf_submit(s, BPF_RB_NO_WAKEUP);
	return 0;
}
