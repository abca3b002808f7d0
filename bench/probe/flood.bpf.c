/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Sends echo replies with running numbers out of a device, from the kernel; and the barest drop there is, without and
 * with the clock.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

volatile const struct {
	__u32 ifindex;
	__u32 number_mask; /* as many as the probe has in flight, less one */
} out SEC(".rodata.flood");
__u32 sequence = 0;
__u64 now_ns = 0;

SEC("xdp")
int flood(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const int at = 14 + 20 + 8 + 8; /* the number in the head, after the cookie */

	if (data + at + 4 > end)
		return XDP_DROP;
	*(__u32 *)(data + at) = sequence++ & out.number_mask;
	return bpf_redirect(out.ifindex, 0);
}

SEC("xdp")
int bare(struct xdp_md *context)
{
	return XDP_DROP;
}

/* What any drop costs at least that knows when the packet came */
SEC("xdp")
int clock(struct xdp_md *context)
{
	now_ns = bpf_ktime_get_ns();
	return XDP_DROP;
}
