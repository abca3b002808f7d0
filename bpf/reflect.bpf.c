/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The far end of active probing: answers komon's ICMP probes and STAMP test packets (RFC 8762, stateless) in the
 * driver, with the times at which it received and sent them. Whatever else comes by goes on to the stack untouched:
 * also what is for another host or for a group, and what would come back for ever.
 */
#include "komon/reflect.h"
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ETHERNET 14
#define ANSWER_TTL 64
#define ERROR_ESTIMATE 0x4001 /* PTP format, multiplier 1 */
#define CHUNK 64
#define CHUNKS 24
#define MOST_SUMMED (CHUNK * CHUNKS)
#define SERVICES 1024 /* ports below belong to servers: such a datagram is an answer, and no sender's */

volatile const struct komon_reflect_options options SEC(".rodata.options");
struct komon_reflect_control control SEC(".data.control") = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct komon_reflect_counters);
} counters SEC(".maps");

/* The addresses of this host, written by user space */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 14);
	__type(key, struct komon_reflect_address);
	__type(value, __u8);
} addresses SEC(".maps");

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline void swap(void *a, void *b, const __u32 bytes)
{
	__u8 kept[16];

	__builtin_memcpy(kept, a, bytes);
	__builtin_memcpy(a, b, bytes);
	__builtin_memcpy(b, kept, bytes);
}

static __always_inline void write_time(__be32 *to, __u64 ns)
{
	ns += control.clock_offset_ns;
	to[0] = bpf_htonl(ns / 1000000000);
	to[1] = bpf_htonl(ns % 1000000000);
}

static __always_inline void fill(struct komon_stamp *stamp, __u64 received_ns, __u8 ttl)
{
	stamp->sender_sequence = stamp->sequence;
	stamp->sender_sent[0] = stamp->sent[0];
	stamp->sender_sent[1] = stamp->sent[1];
	stamp->sender_error_estimate = stamp->error_estimate;
	stamp->zero = 0;
	stamp->sender_ttl = ttl;
	__builtin_memset(stamp->zeros, 0, sizeof(stamp->zeros));
	stamp->error_estimate = bpf_htons(ERROR_ESTIMATE);
	write_time(stamp->received, received_ns);
	write_time(stamp->sent, bpf_ktime_get_ns());
}

static __always_inline bool is_ours(const void *address, const __u32 bytes)
{
	struct komon_reflect_address key = {};

	__builtin_memcpy(&key, address, bytes);
	return bpf_map_lookup_elem(&addresses, &key) != NULL;
}

/* Would the answer to this datagram be answered in its turn? A reflector's port, another server's, or the last hop */
static __always_inline bool is_loop(__u16 source_port, __u8 ttl)
{
	return source_port < SERVICES || source_port == options.port || ttl < 2;
}

/* Sum of everything from `at` to the end of the packet, MOST_SUMMED bytes at most */
static __always_inline __u64 sum_to_end(void *at, void *end)
{
	__s64 sum = 0;
	int i;

	for (i = 0; i < CHUNKS && at + CHUNK <= end; i++, at += CHUNK)
		sum = bpf_csum_diff(0, 0, at, CHUNK, sum);
	for (i = 0; i < CHUNK / 4 && at + 4 <= end; i++, at += 4)
		sum = bpf_csum_diff(0, 0, at, 4, sum);
	__u32 last = 0;

	if (at + 1 <= end)
		last = *(__u8 *)at;
	if (at + 2 <= end)
		last |= *(__u8 *)(at + 1) << 8;
	if (at + 3 <= end)
		last |= *(__u8 *)(at + 2) << 16;
	return (__u32)sum + (__u64)last;
}

static __always_inline int reflect(struct xdp_md *context, struct komon_reflect_counters *c)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	__u64 now = bpf_ktime_get_ns();

	if (data + ETHERNET + 20 > end)
		return XDP_PASS;
	__u8 *mac = data;
	__u8 *ip = data + ETHERNET;

	if ((mac[0] | mac[6]) & 1) /* to a group, or said to be from one */
		return XDP_PASS;
	__u16 type = *(__u16 *)(data + 12);
	bool v4 = type == bpf_htons(0x0800);
	__u8 protocol, ttl, answer_ttl = ANSWER_TTL;
	void *l4;

	if (v4) {
		if (ip[0] != 0x45 || (ip[6] & 0x3f) | ip[7])
			return XDP_PASS;
		protocol = ip[9];
		ttl = ip[8];
		l4 = ip + 20;
	} else if (type == bpf_htons(0x86dd)) {
		if (data + ETHERNET + 40 > end || ip[0] >> 4 != 6)
			return XDP_PASS;
		protocol = ip[6];
		ttl = ip[7];
		l4 = ip + 40;
	} else {
		return XDP_PASS;
	}
	bool udp = protocol == 17;
	__u8 *header = l4;
	__be16 *check;
	struct komon_stamp *stamp;

	if (udp) {
		if (l4 + 8 + sizeof(*stamp) > end || *(__be16 *)(header + 2) != bpf_htons(options.port))
			return XDP_PASS;
		if (is_loop(bpf_ntohs(*(__be16 *)header), ttl))
			return XDP_PASS;
		__u32 bytes = end - l4;

		if (!v4 && (bytes > MOST_SUMMED || bytes != bpf_ntohs(*(__be16 *)(ip + 4))))
			return XDP_PASS;
		if (v4 ? !is_ours(ip + 16, 4) : !is_ours(ip + 24, 16))
			return XDP_PASS;
		stamp = l4 + 8;
		fill(stamp, now, ttl);
		swap(header, header + 2, 2);
		/* Where two reflectors answer each other in spite of all, the packet grows old */
		answer_ttl = ttl - 1 < ANSWER_TTL ? ttl - 1 : ANSWER_TTL;
		check = l4 + 6;
		*check = 0; /* IPv4 needs none, and a sender's may have been left to its device */
		c->udp++;
	} else {
		if (protocol != (v4 ? 1 : 58) || l4 + 8 + 20 + sizeof(*stamp) > end)
			return XDP_PASS;
		if (header[0] != (v4 ? 8 : 128) || *(__be32 *)(l4 + 8 + 16) != bpf_htonl(KOMON_REFLECT_MAGIC))
			return XDP_PASS;
		if (v4 ? !is_ours(ip + 16, 4) : !is_ours(ip + 24, 16))
			return XDP_PASS;
		stamp = l4 + 8 + 20;
		struct komon_stamp before = *stamp;

		fill(stamp, now, ttl);
		header[0] = v4 ? 0 : 129;
		check = l4 + 2;
		/* RFC 1624: what changed is the type, by 8 or by −1 in the high byte, and the block */
		__s64 sum = bpf_csum_diff((void *)&before, sizeof(before), (void *)stamp, sizeof(*stamp),
					  (__u16)~*check);

		sum = (__u32)sum + (v4 ? (__u16)~8 : 1ull);
		*check = ~fold(sum);
		c->icmp++;
	}
	swap(data, data + 6, 6);
	if (v4) {
		swap(ip + 12, ip + 16, 4);
		ip[8] = answer_ttl;
		*(__be16 *)(ip + 10) = 0;
		*(__be16 *)(ip + 10) = ~fold(bpf_csum_diff(0, 0, (void *)ip, 20, 0));
		return XDP_TX;
	}
	swap(ip + 8, ip + 24, 16);
	ip[7] = answer_ttl;
	if (udp) {
		/* Pseudo header: addresses, length, protocol; UDP over IPv6 must carry a checksum */
		__u64 sum = bpf_csum_diff(0, 0, (void *)(ip + 8), 32, 0);

		sum = (__u32)sum + *(__be16 *)(ip + 4) + (__u64)bpf_htons(17) + sum_to_end(l4, end);
		__u16 result = ~fold(sum);

		*check = result ? result : 0xffff;
	}
	return XDP_TX;
}

SEC("xdp")
int reflector(struct xdp_md *context)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct komon_reflect_counters *c = bpf_map_lookup_elem(&counters, &cpu);

	if (!c)
		return XDP_PASS;
	int verdict = reflect(context, c);

	c->seen++;
	if (verdict == XDP_PASS)
		c->foreign++;
	return verdict;
}
