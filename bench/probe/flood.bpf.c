/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Sends echo replies with running numbers out of a device, from the kernel; and the barest drop there is, without and
 * with the clock, and with the least that any drop of one's own answers has to do.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

volatile const struct {
	__u32 ifindex;
	__u32 number_mask; /* as many as the probe has in flight, less one */
	__u64 cookie;
} out SEC(".rodata.flood");
__u32 sequence = 0;
__u64 now_ns = 0;
__u64 stamps[1 << 20];

/* Where the flood's frames have the head: behind the headers of Ethernet, IPv4 and ICMP */
#define HEAD (14 + 20 + 8)

SEC("xdp")
int flood(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const int at = HEAD + 8; /* the number, after the cookie */

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

/* One look, at where the flood has its head and nobody else's packet need have one; the stamp goes to its probe */
SEC("xdp")
int least(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;

	if (data + HEAD + 12 > end || *(__u64 *)(data + HEAD) != out.cookie)
		return XDP_PASS;
	stamps[*(__u32 *)(data + HEAD + 8) & ((1 << 20) - 1)] = bpf_ktime_get_ns();
	return XDP_DROP;
}
