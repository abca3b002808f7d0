/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The table of connections: an mmapable array, KOMON_TCP_WAYS places per cookie, so that a packet finds its
 * connection by one load and one comparison, from any context, and user space reads it without system calls.
 */
#pragma once

#include "komon/tcp.h"
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP_ 6
#define SOCK_DONE 1 /* enum sock_flags */

enum tcp_state {
	ESTABLISHED = 1,
	SYN_SENT,
	SYN_RECV,
	FIN_WAIT1,
	FIN_WAIT2,
	TIME_WAIT,
	CLOSE,
	CLOSE_WAIT,
	LAST_ACK,
	LISTEN,
	CLOSING,
};

/* Set by user space before load; constants to the verifier, so what they rule out costs nothing */
const volatile struct komon_tcp_options options SEC(".rodata.options") = {
	.slots = 8192,
	.groups = 1,
	.prefix4 = 24,
	.prefix6 = 64,
};

struct komon_tcp_control control SEC(".data.control") = {};

/* clang describes in BTF only types that something reaches */
const struct komon_tcp_event *const type_of_event __attribute__((used));
const enum komon_tcp_event_kind *const type_of_kind __attribute__((used));
const enum komon_tcp_limit *const type_of_limit __attribute__((used));
const enum komon_tcp_role *const type_of_role __attribute__((used));
const enum komon_tcp_flag *const type_of_flag __attribute__((used));
const enum komon_tcp_family *const type_of_family __attribute__((used));
const enum komon_tcp_group_by *const type_of_group_by __attribute__((used));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct komon_tcp_conn);
} conns SEC(".maps");

/* Same index as `conns` */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct komon_tcp_rtts);
} rtts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct komon_tcp_listener);
	__type(value, struct komon_tcp_owner);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

static __always_inline __u64 cookie_of(const struct sock *sk)
{
	return sk->__sk_common.skc_cookie.counter;
}

static __always_inline struct komon_tcp_conn *conn_find(__u64 cookie, __u32 *slot)
{
	if (!cookie)
		return NULL;
#pragma unroll
	for (int i = 0; i < KOMON_TCP_WAYS; i++) {
		__u32 key = ((__u32)cookie + i) & (options.slots - 1);
		struct komon_tcp_conn *c = bpf_map_lookup_elem(&conns, &key);

		if (c && c->cookie == cookie) {
			*slot = key;
			return c;
		}
	}
	return NULL;
}

/* Takes a free place; all of it but the cookie is zero then. One CPU wins a place */
static __always_inline struct komon_tcp_conn *conn_claim(__u64 cookie, __u32 *slot)
{
	for (int i = 0; i < KOMON_TCP_WAYS; i++) {
		__u32 key = ((__u32)cookie + i) & (options.slots - 1);
		struct komon_tcp_conn *c = bpf_map_lookup_elem(&conns, &key);

		if (!c || c->cookie || __sync_val_compare_and_swap(&c->cookie, 0, cookie))
			continue;
		__builtin_memset((void *)c + 8, 0, sizeof(*c) - 8);
		struct komon_tcp_rtts *r = bpf_map_lookup_elem(&rtts, &key);

		if (r && options.rtt)
			__builtin_memset(r, 0, sizeof(*r));
		*slot = key;
		__sync_fetch_and_add(&control.counters.opened, 1);
		return c;
	}
	__sync_fetch_and_add(&control.counters.untracked, 1);
	return NULL;
}

static __always_inline void conn_free(struct komon_tcp_conn *c)
{
	c->family = 0;
	c->cookie = 0;
}

static __always_inline void map_ipv4(__u8 *to, const void *ipv4)
{
	to[10] = to[11] = 0xff;
	bpf_probe_read_kernel(to + 12, 4, ipv4);
}

static __always_inline bool is_mapped(const __u8 *a)
{
	return !*(__u64 *)a && *(__u32 *)(a + 8) == 0xffff0000;
}

static __always_inline __u32 netns_of(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

/* Addresses and ports; again at the end of the handshake, since a client's port comes late */
static __always_inline void conn_name(struct komon_tcp_conn *c, const struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET) {
		map_ipv4(c->laddr, &sk->__sk_common.skc_rcv_saddr);
		map_ipv4(c->raddr, &sk->__sk_common.skc_daddr);
	} else {
		bpf_probe_read_kernel(c->laddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(c->raddr, 16, &sk->__sk_common.skc_v6_daddr);
	}
	c->lport = sk->__sk_common.skc_num;
	c->rport = __builtin_bswap16(sk->__sk_common.skc_dport);
	c->netns = netns_of(sk);
	c->family = is_mapped(c->raddr) ? KOMON_TCP_IPV4 : KOMON_TCP_IPV6;
}

/* The task that runs now */
static __always_inline void current_owner(struct komon_tcp_owner *owner)
{
	owner->pid = bpf_get_current_pid_tgid() >> 32;
	owner->cgroup = bpf_get_current_cgroup_id();
	owner->in_cgroup =
		!options.cgroup || bpf_get_current_ancestor_cgroup_id(options.cgroup_level) == options.cgroup;
	bpf_get_current_comm(owner->comm, sizeof(owner->comm));
}

static __always_inline bool same_address(const __u8 *a, const volatile __u8 *b)
{
	return *(__u64 *)a == *(volatile __u64 *)b && *(__u64 *)(a + 8) == *(volatile __u64 *)(b + 8);
}

/* Read again: that a swapped number has 16 bits the verifier of 6.1 does not know */
static __always_inline __u8 port_marks(const __u16 *port)
{
	return control.ports[*(const volatile __u16 *)port];
}

static __always_inline bool is_watched(const struct komon_tcp_conn *c)
{
	if (options.family && c->family != options.family)
		return false;
	if (options.netns && c->netns != options.netns)
		return false;
	if (options.cgroup && !(c->flags & KOMON_TCP_IN_CGROUP))
		return false;
	if (options.by_local_port && !(port_marks(&c->lport) & 1))
		return false;
	if (options.by_remote_port && !(port_marks(&c->rport) & 2))
		return false;
	if (options.by_laddr && !same_address(c->laddr, options.laddr))
		return false;
	if (options.by_raddr && !same_address(c->raddr, options.raddr))
		return false;
	if (!options.by_pid)
		return true;
#pragma unroll
	for (int i = 0; i < 16; i++)
		if (control.pids[i] && control.pids[i] == c->pid)
			return true;
	return false;
}
