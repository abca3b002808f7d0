/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The second observer of the probe benchmark: when an ICMP echo packet is handed to a device's driver, and when the
 * device hands one to the stack. It knows nothing of komon, ping or fping; it writes down identifier and sequence. Each
 * program runs twice on each packet: before a tool's own, which makes its code warm, and behind it; the later stamp counts.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

volatile const __u32 watched_ifindex SEC(".rodata.watch");

#define TWICE_NS 100000 /* within this it is the same packet's second time */

/* Requests so far, each as often as it was seen */
__u32 begun = 0;

struct echo {
	__u64 out_ns, in_ns;
	__be16 id, sequence;
	__be32 host;
	__u64 padding;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 16);
	__type(key, __u32);
	__type(value, struct echo);
} echoes SEC(".maps");

static __always_inline int note(struct sk_buff *skb, bool incoming)
{
	struct net_device *device = skb->dev;

	if (skb->protocol != 0x0008 || device->ifindex != watched_ifindex)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u8 h[28];

	if (bpf_probe_read_kernel(h, sizeof(h), skb->head + skb->network_header) || h[9] != 1)
		return 0;
	if (h[20] != (incoming ? 0 : 8))
		return 0;
	__be16 id = *(__be16 *)(h + 24), sequence = *(__be16 *)(h + 26);
	__be32 host = *(__be32 *)(h + (incoming ? 12 : 16));
	__u32 key = (__builtin_bswap16(sequence) + __builtin_bswap16(id) * 31 + (host >> 24) * 4096) & 0xffff;
	struct echo *echo = bpf_map_lookup_elem(&echoes, &key);

	if (!echo)
		return 0;
	if (!incoming) {
		echo->out_ns = now;
		echo->in_ns = 0;
		echo->id = id;
		echo->sequence = sequence;
		echo->host = host;
		begun++;
	} else if (echo->id == id && echo->sequence == sequence && echo->host == host &&
		   (!echo->in_ns || now - echo->in_ns < TWICE_NS)) {
		echo->in_ns = now;
	}
	return 0;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(leaves, struct sk_buff *skb)
{
	return note(skb, false);
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(arrives, struct sk_buff *skb)
{
	return note(skb, true);
}
