/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The TCP probe: connections from their first moment to their last, who owns them, and a round-trip time per
 * acknowledgement. Who owns a socket is asked where its owner runs (connect, listen, accept, the table of open
 * files), never in the softirq that happens to deliver a packet.
 */
#include "lib/tcp_life.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state, const struct sock *sk, int old, int new)
{
	if (sk->sk_protocol != IPPROTO_TCP_)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)sk);
	struct komon_tcp_listener key = {};
	struct komon_tcp_owner owner = {};
	struct komon_tcp_conn *c;
	__u32 slot = 0;

	if (!tp)
		return 0;
	switch (new) {
	case SYN_SENT:
		connecting(sk, now);
		return 0;
	case ESTABLISHED:
		established(sk, tp, old, now);
		break;
	case LISTEN:
		key.netns = netns_of(sk);
		key.port = sk->__sk_common.skc_num;
		current_owner(&owner);
		bpf_map_update_elem(&listeners, &key, &owner, BPF_ANY);
		return 0;
	}
	c = conn_find(cookie_of(sk), &slot);
	if (!c)
		return 0;
	if (options.rtt && old == ESTABLISHED)
		look(c, slot, tp);
	if (new == FIN_WAIT1 && !(c->flags & KOMON_TCP_CLOSED_THERE))
		c->flags |= KOMON_TCP_CLOSED_HERE;
	if (new == CLOSE_WAIT && !(c->flags & KOMON_TCP_CLOSED_HERE))
		c->flags |= KOMON_TCP_CLOSED_THERE;
	c->state = new;
	if (new == CLOSE)
		closed(sk, c, slot, tp, old, now);
	return 0;
}

/* Every packet of an established connection, before it is processed */
SEC("tp_btf/tcp_probe")
int BPF_PROG(packet, struct sock *sk)
{
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie_of(sk), &slot);
	struct tcp_sock *tp;

	if (!c || !(c->flags & KOMON_TCP_WATCHED))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		look(c, slot, tp);
	return 0;
}

/* A socket that went without a change of state: nothing may stay in the table */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(destroyed, struct sock *sk)
{
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie_of(sk), &slot);

	if (c)
		conn_free(c);
	return 0;
}

/*
 * After the first FIN no packet passes tcp_probe, though data may go on for long. Then, and only then, the kernel is
 * asked to say the time here, once per round trip (the arguments are there since 6.11).
 */
SEC("sockops")
int ops(struct bpf_sock_ops *context)
{
	__u32 us = context->args[0], flags = context->bpf_sock_ops_cb_flags, slot = 0;
	struct komon_tcp_conn *c;

	switch (context->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_ops_cb_flags_set(context, flags | BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (context->args[1] == FIN_WAIT1 || context->args[1] == CLOSE_WAIT)
			bpf_sock_ops_cb_flags_set(context, flags | BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		c = us && context->state != ESTABLISHED ?
			    conn_find(bpf_get_socket_cookie(context), &slot) : NULL;
		if (c && c->flags & KOMON_TCP_WATCHED)
			record_rtt(c, slot, us);
		break;
	}
	return 1;
}

/* ---- accept, the one place where the owner of a server's connection can be seen; and connect ---- */

/* The cookie of the socket behind a descriptor of the current task */
static __always_inline __u64 cookie_of_fd(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file;

	if (fd >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk, __sk_common.skc_cookie.counter);
}

static __always_inline void accepted(__u32 fd)
{
	struct komon_tcp_owner owner = {};
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie_of_fd(fd), &slot);

	if (!c || c->role != KOMON_TCP_SERVER)
		return;
	c->accepted_ns = bpf_ktime_get_ns();
	current_owner(&owner);
	set_owner(c, &owner);
	emit(c, slot, NULL, KOMON_TCP_ACCEPTED, c->state, c->accepted_ns);
}

/* connect returns: the handshake is done, or nobody waits for it any more */
static __always_inline void connected(__u32 fd)
{
	__u32 slot = 0;
	struct komon_tcp_conn *c = conn_find(cookie_of_fd(fd), &slot);

	if (!c || c->role != KOMON_TCP_CLIENT)
		return;
	__sync_fetch_and_or(&c->async, 1);
	if (c->established_ns)
		tell(c, slot, NULL, bpf_ktime_get_ns());
}

/* Every system call of the host comes here: leave at once unless it is one of three */
SEC("tp_btf/sys_exit")
int BPF_PROG(returned, struct pt_regs *regs, long result)
{
	switch ((int)regs->SYSCALL_FIELD) {
	case KOMON_SYS_ACCEPT:
	case KOMON_SYS_ACCEPT4:
		if (result >= 0)
			accepted(result);
		break;
	case KOMON_SYS_CONNECT:
		connected(regs->SYSCALL_FIRST);
		break;
	}
	return 0;
}

/* ---- older than komon: the sockets that processes hold open when it starts, in all network namespaces ---- */

SEC("iter/task_file")
int older(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct komon_tcp_listener key = {};
	struct komon_tcp_owner owner = {};
	struct komon_tcp_conn *c;
	struct tcp_sock *tp;
	__u32 slot = 0;
	__u64 cookie;

	if (!task || !file)
		return 0;
	struct socket *socket = bpf_sock_from_file(file);

	if (!socket || !socket->sk)
		return 0;
	tp = bpf_skc_to_tcp_sock(socket->sk);
	if (!tp)
		return 0;
	struct sock *sk = (struct sock *)tp;
	__u8 state = sk->__sk_common.skc_state;

	owner.pid = task->tgid;
	bpf_probe_read_kernel_str(owner.comm, sizeof(owner.comm), task->comm);
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		owner.cgroup = sk->sk_cgrp_data.cgroup->kn->id;
	owner.in_cgroup = !options.cgroup || owner.cgroup == options.cgroup;
	if (state == LISTEN) {
		key.netns = netns_of(sk);
		key.port = sk->__sk_common.skc_num;
		bpf_map_update_elem(&listeners, &key, &owner, BPF_NOEXIST);
		return 0;
	}
	if (state == CLOSE || state == TIME_WAIT || state == SYN_SENT)
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	if (conn_find(cookie, &slot))
		return 0;
	c = conn_claim(cookie, &slot);
	if (!c)
		return 0;
	conn_name(c, sk);
	c->state = state;
	c->srtt = tp->srtt_us;
	c->mdev = tp->mdev_us;
	c->acked_bytes = tp->bytes_acked;
	set_owner(c, &owner);
	return 0;
}
