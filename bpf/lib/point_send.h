/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Point send: the VNF gives the packet back */
#pragma once

#include "komon/syscalls.h"
#include "match.h"
#include <bpf/bpf_tracing.h>

static __always_inline bool begin_send(struct komon_thread *t)
{
	if (!t->reads)
		return false;
	t->recv_kind = KOMON_BUFFER_NONE;
	flush_awaiting(t);
	return true;
}

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_ARGUMENTS(regs) { (regs)->di, (regs)->si, (regs)->dx }
#else
#define SYSCALL_ARGUMENTS(regs) { (regs)->orig_x0, (regs)->user_regs.regs[1], (regs)->user_regs.regs[2] }
#endif

/* Every system call of the host comes here: leave at once unless it can receive or send, by a thread we know */
SEC("tp_btf/sys_enter")
int BPF_PROG(send_sys_enter, struct pt_regs *regs, long id)
{
	__u32 kind = KOMON_BUFFER_NONE; /* of a receive call; else it sends */

	switch (id) {
	case KOMON_SYS_READ: case KOMON_SYS_RECVFROM:
		kind = KOMON_BUFFER_PLAIN;
		break;
	case KOMON_SYS_READV:
		kind = KOMON_BUFFER_IOVEC;
		break;
	case KOMON_SYS_RECVMSG:
		kind = KOMON_BUFFER_MSGHDR;
		break;
	case KOMON_SYS_RECVMMSG:
		kind = KOMON_BUFFER_MMSGHDR;
		break;
	case KOMON_SYS_WRITE: case KOMON_SYS_WRITEV: case KOMON_SYS_SENDTO: case KOMON_SYS_SENDMSG:
	case KOMON_SYS_SENDMMSG:
		break;
	default:
		return 0;
	}
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t)
		return 0;
	const bool sends = kind == KOMON_BUFFER_NONE;
	__u64 now = sends ? bpf_ktime_get_ns() : 0;
	__u64 argument[] = SYSCALL_ARGUMENTS(regs);
	struct komon_counters *c = counters_of(held_at(t, t->reads - 1)->vnf);

	if (c)
		c->own_calls++;
	if (!sends) {
		t->recv_kind = kind;
		t->recv_buffer = argument[1];
		t->recv_reads = t->reads;
		t->recv_rest = kind == KOMON_BUFFER_PLAIN ? (argument[2] < ~0u ? argument[2] : ~0u) : 0;
		return 0;
	}
	if (!begin_send(t))
		return 0;
	if ((id == KOMON_SYS_WRITE || id == KOMON_SYS_WRITEV) && !is_udp_socket(argument[0]))
		return 0; /* a file may well get the packet's bytes too */
	switch (id) {
	case KOMON_SYS_SENDTO:
		if (options.pair_at_tx) {
			give_back(t, argument[1], argument[2], now, argument[0]);
			break;
		}
		/* fall through */
	case KOMON_SYS_WRITE:
		match_send(key, argument[1], argument[2] << 32 | (__u32)argument[2], now, argument[0]);
		break;
	case KOMON_SYS_WRITEV:
		send_iovecs(key, argument[1], argument[2], now, argument[0]);
		break;
	case KOMON_SYS_SENDMSG:
		send_messages(key, argument[1], 1, now, argument[0]);
		break;
	case KOMON_SYS_SENDMMSG:
		if (is_udp_socket(argument[0]))
			send_messages(key, argument[1], argument[2], now, KOMON_KNOWN_UDP);
		break;
	}
	return 0;
}

static __always_inline int at_send(struct sock *sk, struct msghdr *message, size_t bytes, const __u16 family,
				   const bool direct)
{
	struct user_data data = {};
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t)
		return 0;
	__u64 now = bpf_ktime_get_ns();

	/* udpv6_sendmsg hands packets for IPv4 addresses to udp_sendmsg: they are one send */
	if (LOAD(direct, sk, __sk_common.skc_family) != family || !begin_send(t))
		return 0;
	from_message(&data, message, direct);
	match_send(key, data.buffer, bytes << 32 | data.contiguous, now, KOMON_KNOWN_UDP);
	return 0;
}

SEC("fentry/udp_sendmsg")
int BPF_PROG(send_fentry, struct sock *sk, struct msghdr *message, size_t bytes)
{
	return at_send(sk, message, bytes, AF_INET, true);
}

SEC("fentry/udpv6_sendmsg")
int BPF_PROG(send6_fentry, struct sock *sk, struct msghdr *message, size_t bytes)
{
	return at_send(sk, message, bytes, AF_INET6, true);
}

SEC("kprobe/udp_sendmsg")
int BPF_KPROBE(send_kprobe, struct sock *sk, struct msghdr *message, size_t bytes)
{
	return at_send(sk, message, bytes, AF_INET, false);
}

SEC("kprobe/udpv6_sendmsg")
int BPF_KPROBE(send6_kprobe, struct sock *sk, struct msghdr *message, size_t bytes)
{
	return at_send(sk, message, bytes, AF_INET6, false);
}
