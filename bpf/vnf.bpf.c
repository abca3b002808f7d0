/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The VNF probe: five points of a UDP packet's way through a host (nic, rx, read, send, tx), each with one program
 * per rung. User space loads one program a point; see src/probes/vnf/hooks.ts for the ladder.
 */
#include "lib/held.h"
#include "komon/syscalls.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MSG_PEEK 2
#define RCV_SHUTDOWN 1
#define MSG_ERRQUEUE 0x2000


/* ---- nic: the stack gets the packet from the device ---- */

static __always_inline int at_nic(struct sk_buff *skb, const bool direct)
{
	__u32 vnf = vnf_of_port(udp_destination(skb, direct));

	if (vnf == NO_VNF)
		return 0;
	struct net_device *device = LOAD(direct, skb, dev);
	__u32 in = control.filter[vnf % KOMON_VNFS].in_ifindex;
	struct per_cpu *cpu = this_cpu();

	if (!cpu || (in && LOAD(direct, device, ifindex) != in))
		return 0;
	__u64 i = ++cpu->nic.passed % KOMON_NIC_RING;

	cpu->nic.packet[i].skb = identity(skb, direct);
	cpu->nic.packet[i].ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(nic_tp, struct sk_buff *skb)
{
	return at_nic(skb, true);
}

SEC("raw_tp/netif_receive_skb")
int BPF_PROG(nic_raw, struct sk_buff *skb)
{
	return at_nic(skb, false);
}

/* When did this skb pass nic? 0 = not seen there (reassembled, segmented, or nic is not watched) */
static __always_inline __u64 nic_time(__u64 skb)
{
	struct per_cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	for (int i = 0; i < KOMON_NIC_RING; i++) {
		__u64 k = (cpu->nic.passed - i) % KOMON_NIC_RING;

		if (cpu->nic.packet[k].skb == skb) {
			cpu->nic.packet[k].skb = 0;
			return cpu->nic.packet[k].ns;
		}
	}
	return 0;
}

/* ---- rx: UDP has found the socket, the packet is about to enter its queue ---- */

static __always_inline bool in_namespace(const struct komon_vnf_filter *filter, struct sock *sk, const bool direct)
{
	if (!filter->netns)
		return true;
	struct net *net = LOAD(direct, sk, __sk_common.skc_net.net);

	return LOAD(direct, net, ns.inum) == filter->netns;
}

static __always_inline int at_rx(struct sock *sk, struct sk_buff *skb, const bool direct)
{
	__u16 port = LOAD(direct, sk, __sk_common.skc_num);
	__u32 vnf = vnf_of_port(port);

	if (vnf == NO_VNF || LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct komon_counters *c = counters_of(vnf);
	struct komon_vnf_filter *filter = &control.filter[vnf % KOMON_VNFS];

	if (!c)
		return 0;
	if (!in_namespace(filter, sk, direct)) /* another host's port of the same number */
		return 0;
	c->seen++;
	if (filter->in_ifindex) {
		struct net_device *device = LOAD(direct, skb, dev);

		if (LOAD(direct, device, ifindex) != filter->in_ifindex) {
			c->filtered_rx++;
			return 0;
		}
	}
	struct content content = udp_content(skb, direct);
	__u64 packet = identity(skb, direct), socket = identity(sk, direct);
	__u64 nic_ns = nic_time(packet);
	__u32 key;
	struct komon_queue *q = queue_find(socket, &key);

	if (!q)
		q = queue_claim(socket, sk, now, &key);
	if (!nic_ns)
		c->no_nic++;
	if (!content.digest)
		c->no_digest++;
	if (!q) {
		c->collided_rx++;
		return 0;
	}
	queue_enter(q, key, packet, nic_ns, now, &content, vnf, c);
	return 0;
}

#ifndef KOMON_NO_KFUNC
extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak; /* 6.2 */

SEC("cgroup_skb/ingress")
int rx_cgroup(struct __sk_buff *context)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(context);
	struct sock *sk = skb->sk;

	if (sk)
		at_rx(sk, skb, true);
	return 1; /* let everything pass */
}
#endif

SEC("fentry/udp_queue_rcv_one_skb")
int BPF_PROG(rx_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, true);
}

SEC("fentry/udpv6_queue_rcv_one_skb")
int BPF_PROG(rx6_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, true);
}

SEC("kprobe/udp_queue_rcv_one_skb")
int BPF_KPROBE(rx_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, false);
}

SEC("kprobe/udpv6_queue_rcv_one_skb")
int BPF_KPROBE(rx6_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, false);
}

/* Where the compiler has left nothing of those two: an exported function of both families, a few ns later */
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(rx_queue_fentry, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, true);
}

SEC("kprobe/__udp_enqueue_schedule_skb")
int BPF_KPROBE(rx_queue_kprobe, struct sock *sk, struct sk_buff *skb)
{
	return at_rx(sk, skb, false);
}

/* The stack frees a packet that it did not deliver: a full socket buffer, a bad checksum, a socket that is closed */
SEC("tp_btf/kfree_skb")
int BPF_PROG(drop_tp, struct sk_buff *skb)
{
	queue_drop(skb, true);
	return 0;
}

SEC("raw_tp/kfree_skb")
int BPF_PROG(drop_raw, struct sk_buff *skb)
{
	queue_drop(skb, false);
	return 0;
}

/* ---- read: the VNF has the packet ---- */

/* The buffer of the receive call that runs now, as noted at its begin */
static __always_inline struct user_data receive_buffer(struct komon_thread *t)
{
	struct user_data data = {};
	__u64 address = t->recv_buffer;
	struct abi_msghdr m;

	switch (t->recv_kind) {
	case KOMON_BUFFER_PLAIN:
		data.buffer = t->recv_buffer;
		data.contiguous = t->recv_rest;
		break;
	case KOMON_BUFFER_IOVEC:
		first_iovec(&data, address);
		break;
	case KOMON_BUFFER_MMSGHDR:
		address += t->recv_rest++ * sizeof(struct abi_mmsghdr);
		/* fall through */
	case KOMON_BUFFER_MSGHDR:
		if (!bpf_probe_read_user(&m, offsetof(struct abi_msghdr, iov_length), (void *)address))
			first_iovec(&data, m.iov);
		break;
	}
	return data;
}

/* The VNF's thread asks for a packet: note where it wants it */
static __always_inline int at_receive(struct sock *sk, struct msghdr *message, const bool direct)
{
	__u32 key, tid = current_tid();

	if (vnf_of_port(LOAD(direct, sk, __sk_common.skc_num)) == NO_VNF)
		return 0;
	struct komon_thread *t = thread_find(tid, &key);
	struct user_data data = {};

	if (!t)
		t = thread_claim(tid, &key);
	if (!t)
		return 0;
	from_message(&data, message, direct);
	t->recv_kind = data.buffer ? KOMON_BUFFER_PLAIN : KOMON_BUFFER_NONE;
	t->recv_buffer = data.buffer;
	t->recv_rest = data.contiguous;
	return 0;
}

SEC("fentry/udp_recvmsg")
int BPF_PROG(receive_fentry, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, true);
}

SEC("fentry/udpv6_recvmsg")
int BPF_PROG(receive6_fentry, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, true);
}

SEC("kprobe/udp_recvmsg")
int BPF_KPROBE(receive_kprobe, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, false);
}

SEC("kprobe/udpv6_recvmsg")
int BPF_KPROBE(receive6_kprobe, struct sock *sk, struct msghdr *message)
{
	return at_receive(sk, message, false);
}

/* `packet`: the skb that was read, 0 = unknown */
static __always_inline int at_read(struct sock *sk, __u64 packet, int bytes, const bool direct)
{
	__u32 vnf = vnf_of_port(LOAD(direct, sk, __sk_common.skc_num));

	if (vnf == NO_VNF || LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	struct komon_vnf_filter *filter = &control.filter[vnf % KOMON_VNFS];

	if (!in_namespace(filter, sk, direct))
		return 0;
	struct komon_counters *c = counters_of(vnf);
	__u32 queue_key, key, tid = current_tid();
	struct komon_queue *q = queue_find(identity(sk, direct), &queue_key);
	struct komon_thread *t = thread_find(tid, &key);
	__u64 digest = 0, head = 0;
	struct user_data data = {};
	int slot = -1;

	if (!c)
		return 0;
	c->reads++;
	if (!t)
		t = thread_claim(tid, &key);
	if (t) {
		data = receive_buffer(t);
		if (!packet)
			digest = user_digest(&data, bytes, &head);
	}
	if (q)
		slot = queue_take(queue_key, packet, digest, bytes);
	if (!q || slot < 0) {
		c->unknown_reads++;
		return 0;
	}
	if ((filter->tgid && bpf_get_current_pid_tgid() >> 32 != filter->tgid) ||
	    (options.cgroup_asked && filter->cgroup && /* the helper: 5.6 */
	     bpf_get_current_ancestor_cgroup_id(filter->cgroup_level) != filter->cgroup)) {
		c->filtered_read++;
		return 0;
	}
	if (!t) {
		c->collided_read++;
		return 0;
	}
	struct komon_queued *p = &q->packet[slot % KOMON_QUEUE_PACKETS];

	if (!p->digest) { /* its payload lay in page fragments; now it lies before the VNF */
		p->digest = packet ? user_digest(&data, bytes, &head) : digest;
		p->head = p->digest ? head : ~0ull; /* no sequence number */
		if (p->payload_bytes == UNKNOWN_BYTES)
			p->payload_bytes = bytes;
	}
	hold(t, p, data.buffer, c);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(read_tp, struct sock *sk, int length, int flags)
{
	if (length < 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	if (length == 0 && sk->sk_shutdown & RCV_SHUTDOWN) /* woken without a packet */
		return 0;
	return at_read(sk, 0, length, true);
}

/*
 * A receive call returns, also one that got several packets: only now does the VNF have them. Every system call of the
 * host comes here; strangers leave after one look at the ids.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(read_sys_exit)
{
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t || t->returned == t->reads)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u32 first = t->reads - t->returned < KOMON_HELD ? t->returned : t->reads - KOMON_HELD;

	t->returned = t->reads;
	for (__u32 i = 0; i < KOMON_HELD && first + i != t->reads; i++)
		held_at(t, first + i)->read_ns = now;
	return 0;
}

/* MSG_PEEK gives its length below zero, and holds the packet beside the queue, which tells for an empty one */
static __always_inline int at_consume(struct sock *sk, struct sk_buff *skb, int length, const bool direct)
{
	if (length < 0 || (length == 0 && LOAD(direct, skb, users.refs.counter) > 1))
		return 0;
	return at_read(sk, identity(skb, direct), length, direct);
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(read_fentry, struct sock *sk, struct sk_buff *skb, int length)
{
	return at_consume(sk, skb, length, true);
}

SEC("kprobe/skb_consume_udp")
int BPF_KPROBE(read_kprobe, struct sock *sk, struct sk_buff *skb, int length)
{
	return at_consume(sk, skb, length, false);
}

/* ---- send: the VNF gives the packet back ---- */

static __always_inline bool begin_send(struct komon_thread *t)
{
	if (!t->reads)
		return false;
	t->recv_kind = KOMON_BUFFER_NONE;
	if (t->awaiting_first != t->awaiting_last) {
		struct komon_counters *c = counters_of(held_at(t, t->reads - 1)->vnf);

		if (c)
			flush_awaiting(t, c);
	}
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
	switch (id) {
	case KOMON_SYS_READ: case KOMON_SYS_READV: case KOMON_SYS_RECVFROM: case KOMON_SYS_RECVMSG:
	case KOMON_SYS_RECVMMSG: case KOMON_SYS_WRITE: case KOMON_SYS_WRITEV: case KOMON_SYS_SENDTO:
	case KOMON_SYS_SENDMSG: case KOMON_SYS_SENDMMSG:
		break;
	default:
		return 0;
	}
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	__u64 argument[] = SYSCALL_ARGUMENTS(regs);

	struct komon_counters *c = counters_of(held_at(t, t->reads - 1)->vnf);

	if (c)
		c->own_calls++;
	t->recv_rest = 0;
	t->recv_buffer = argument[1];
	switch (id) {
	case KOMON_SYS_READ:
	case KOMON_SYS_RECVFROM:
		t->recv_kind = KOMON_BUFFER_PLAIN;
		t->recv_rest = argument[2] < ~0u ? argument[2] : ~0u;
		return 0;
	case KOMON_SYS_READV:
		t->recv_kind = KOMON_BUFFER_IOVEC;
		return 0;
	case KOMON_SYS_RECVMSG:
		t->recv_kind = KOMON_BUFFER_MSGHDR;
		return 0;
	case KOMON_SYS_RECVMMSG:
		t->recv_kind = KOMON_BUFFER_MMSGHDR;
		return 0;
	}
	if (!begin_send(t))
		return 0;
	if ((id == KOMON_SYS_WRITE || id == KOMON_SYS_WRITEV) && !is_udp_socket(argument[0]))
		return 0; /* a file may well get the packet's bytes too */
	switch (id) {
	case KOMON_SYS_WRITE:
	case KOMON_SYS_SENDTO:
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
			send_messages(key, argument[1], argument[2], now, KNOWN_UDP);
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
	match_udp_send(key, data.buffer, bytes << 32 | data.contiguous, now);
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

/* ---- tx: the packet is handed to the device queue, still in the sender's own context ---- */

static __always_inline int at_tx(struct sk_buff *skb, const bool direct)
{
	struct sock *sk = LOAD(direct, skb, sk);

	if (!sk) /* forwarded or received: a softirq on top of the sender */
		return 0;
	__u32 key;
	struct komon_thread *t = thread_find(current_tid(), &key);

	if (!t || t->awaiting_first == t->awaiting_last || LOAD(direct, sk, sk_protocol) != IPPROTO_UDP_)
		return 0;
	__u64 now = bpf_ktime_get_ns();
	struct {
		struct udp_header udp;
		__u64 head;
	} start;

	if (bpf_probe_read_kernel(&start, sizeof(start), LOAD(direct, skb, head) + LOAD(direct, skb, transport_header)))
		return 0;
	__u32 bytes = (__u16)(HOST16(start.udp.length) - 8), paged = LOAD(direct, skb, data_len);

	if (paged && paged + 8 > bytes) /* payload in page fragments */
		start.head = 0;
	struct komon_held *h = held_at(t, t->awaiting[t->awaiting_first % KOMON_HELD]);
	__u32 out = control.filter[h->vnf % KOMON_VNFS].out_ifindex;

	if (out) {
		struct net_device *device = LOAD(direct, skb, dev);

		if (LOAD(direct, device, ifindex) != out)
			return 0;
	}
	if (bytes < 8 || !start.head)
		start.head = h->sent_head;
	h = take_awaiting(t, bytes, start.head);
	if (!h)
		return 0;
	struct komon_counters *c = counters_of(h->vnf);
	struct komon_histograms *spans = histograms_of(h->vnf);

	h->state = KOMON_DONE;
	if (!c || !spans)
		return 0;
	c->transmitted++;
	record_span(spans, KOMON_EGRESS, now - h->send_ns);
	if (h->nic_ns)
		record_span(spans, KOMON_TOTAL, now - h->nic_ns);
	if (h->interval && !emit(h, now))
		c->lost_tx++;
	return 0;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(tx_tp, struct sk_buff *skb)
{
	return at_tx(skb, true);
}

SEC("raw_tp/net_dev_queue")
int BPF_PROG(tx_raw, struct sk_buff *skb)
{
	return at_tx(skb, false);
}
