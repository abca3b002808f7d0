/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What a change of a socket's state means to its connection, and who owns it. */
#pragma once

#include "komon/syscalls.h"
#include "tcp_rtt.h"
#include <bpf/bpf_tracing.h>

#if defined(__TARGET_ARCH_x86)
#define SYSCALL_FIELD orig_ax
#define SYSCALL_FIRST di
#else
#define SYSCALL_FIELD syscallno
#define SYSCALL_FIRST orig_x0
#endif

/* The caller has checked that `c` lies at `slot` */
static __always_inline void emit(struct komon_tcp_conn *c, __u32 slot, struct tcp_sock *tp, __u32 kind,
				 __u32 old_state, __u64 now)
{
	if (!(c->flags & KOMON_TCP_WATCHED) || !(options.events & 1 << kind))
		return;
	struct komon_tcp_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&control.counters.lost, 1);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e) - sizeof(e->conn));
	__builtin_memcpy(&e->conn, c, sizeof(e->conn));
	e->time_ns = now;
	e->kind = kind;
	e->old_state = old_state;
	if (tp) {
		e->sent_bytes = tp->bytes_sent - tp->bytes_retrans;
		/* tcp_fin() sets SOCK_DONE; the FIN takes one place in the sequence */
		e->received_bytes = tp->bytes_received -
				    !!(((struct sock *)tp)->__sk_common.skc_flags & 1 << SOCK_DONE);
		e->retransmits = tp->total_retrans;
		e->error = ((struct sock *)tp)->sk_err;
	}
	if (options.rtt && kind == KOMON_TCP_CLOSED) {
		e->rtt_p50_bucket = rtt_quantile(slot, 50);
		e->rtt_p95_bucket = rtt_quantile(slot, 95);
	}
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline void set_owner(struct komon_tcp_conn *c, const struct komon_tcp_owner *owner)
{
	c->pid = owner->pid;
	c->cgroup = owner->cgroup;
	__builtin_memcpy(c->comm, owner->comm, sizeof(c->comm));
	if (owner->in_cgroup)
		c->flags |= KOMON_TCP_IN_CGROUP;
	if (!is_watched(c)) {
		c->flags &= ~KOMON_TCP_WATCHED;
		return;
	}
	c->flags |= KOMON_TCP_WATCHED;
	if (options.rtt)
		c->group = group_of(c);
}

/* A server's connection belongs to whoever listens on its port, until somebody accepts it */
static __always_inline void owner_by_listener(struct komon_tcp_conn *c)
{
	struct komon_tcp_listener key = { .netns = c->netns, .port = c->lport };
	struct komon_tcp_owner nobody = {}, *owner = bpf_map_lookup_elem(&listeners, &key);

	set_owner(c, owner ? owner : &nobody);
}

/* A client's handshake is done. Whoever waits in connect gets its event when connect returns, once */
static __always_inline void tell(struct komon_tcp_conn *c, __u32 slot, struct tcp_sock *tp, __u64 now)
{
	if (__sync_val_compare_and_swap(&c->told, 0, 1) == 0)
		emit(c, slot, tp, KOMON_TCP_CONNECTED, SYN_SENT, now);
}

/* Is the current task in connect(2), whose end will be seen? Not so for io_uring and TCP fast open */
static __always_inline bool in_connect(void)
{
	if (!options.returns)
		return false;
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return (int)BPF_CORE_READ(regs, SYSCALL_FIELD) == KOMON_SYS_CONNECT;
}

static __always_inline void established(const struct sock *sk, struct tcp_sock *tp, int old, __u64 now)
{
	__u64 cookie = bpf_get_socket_cookie((void *)sk);
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie, &slot);

	if (!c) {
		if (old != SYN_RECV)
			return;
		c = conn_claim(cookie, &slot);
		if (!c)
			return;
		c->start_ns = now;
		c->role = KOMON_TCP_SERVER;
	}
	conn_name(c, sk);
	c->established_ns = now;
	if (c->role == KOMON_TCP_SERVER) {
		owner_by_listener(c);
	} else {
		struct komon_tcp_owner same = { .pid = c->pid, .cgroup = c->cgroup };

		same.in_cgroup = c->flags & KOMON_TCP_IN_CGROUP;
		__builtin_memcpy(same.comm, c->comm, sizeof(same.comm));
		set_owner(c, &same); /* its local address and port are known only now */
	}
	if (options.rtt)
		look(c, slot, tp);
	if (c->role == KOMON_TCP_CLIENT && __sync_fetch_and_or(&c->async, 0))
		tell(c, slot, tp, now);
}

static __always_inline void connecting(const struct sock *sk, __u64 now)
{
	__u64 cookie = bpf_get_socket_cookie((void *)sk);
	struct komon_tcp_owner owner = {};
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie, &slot);

	if (!c)
		c = conn_claim(cookie, &slot);
	if (!c)
		return;
	c->start_ns = now;
	c->role = KOMON_TCP_CLIENT;
	c->async = !in_connect();
	conn_name(c, sk);
	current_owner(&owner);
	set_owner(c, &owner);
}

static __always_inline void closed(const struct sock *sk, struct komon_tcp_conn *c, __u32 slot,
				   struct tcp_sock *tp, int old, __u64 now)
{
	if (old == SYN_SENT || (old == SYN_RECV && c->role == KOMON_TCP_CLIENT)) {
		conn_name(c, sk);
		if (!c->lport) /* given back already, but still written here */
			c->lport = __builtin_bswap16(((struct inet_sock *)tp)->inet_sport);
		emit(c, slot, tp, KOMON_TCP_FAILED, old, now);
	} else {
		if (c->role == KOMON_TCP_CLIENT)
			tell(c, slot, tp, now);
		emit(c, slot, tp, KOMON_TCP_CLOSED, old, now);
	}
	conn_free(c);
}
