/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The few kernel types that komon's programs touch, as far as they touch them. Field offsets are
 * relocated at load from the running kernel's BTF (CO-RE), so only names and types matter here.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	unsigned short skc_family;
	__u16 skc_num;
	__be16 skc_dport;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
};

struct sk_buff_head {
	__u32 qlen;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.15 */
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	int sk_err;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	__be16 inet_sport;
};

struct tcp_sock {
	__u32 srtt_us;
	__u32 mdev_us;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u32 total_retrans;
};

struct udp_sock {
	struct sk_buff_head reader_queue;
};

struct socket {
	struct sock *sk;
};

typedef struct {
	atomic_t refs;
} refcount_t;

struct sk_buff {
	union {
		struct net_device *dev;
		unsigned long dev_scratch;
	};
	struct sock *sk;
	unsigned int len;
	unsigned int data_len;
	int skb_iif;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	unsigned int tail; /* offset from head: on 64 bits */
	unsigned char *head;
	refcount_t users;
};

/* A type of nothing but 64-bit words: what bpf/lib/load.h reads plain memory by */
struct rtnl_link_stats64 {
	__u64 rx_packets;
};

struct iovec {
	void *iov_base;
	__kernel_size_t iov_len;
};

/* What sendmsg(2) and recvmsg(2) get from user space */
struct user_msghdr {
	void *msg_name;
	int msg_namelen;
	struct iovec *msg_iov;
	__kernel_size_t msg_iovlen;
};

/* Which kind of memory an iov_iter runs over; the values are those of the running kernel */
enum iter_type {
	ITER_IOVEC,
	ITER_UBUF, /* 6.0, fcb14cb1bdac "new iov_iter flavour - ITER_UBUF" */
};

struct iov_iter {
	__u8 iter_type;
	size_t count;
	void *ubuf;
	const struct iovec *__iov; /* 6.4, de4f5fed3f23 "iov_iter: add iter_iovec() helper" */
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct iov_iter___before_6_4 {
	const struct iovec *iov;
};

struct msghdr___before_6_4 {
	struct iov_iter___before_6_4 msg_iter;
};

struct iov_iter___before_5_14 {
	unsigned int type; /* 8cd54c1c8480 "iov_iter: separate direction from flavour" */
};

struct msghdr___before_5_14 {
	struct iov_iter___before_5_14 msg_iter;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	struct files_struct *files;
	int tgid;
	char comm[16];
};

struct bpf_iter__task_file {
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct seq_file {
	size_t count;
};

struct bpf_map {
	__u32 id;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r10, r9, r8, ax, cx, dx, si, di, orig_ax, sp, ip;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};
struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

#pragma clang attribute pop
#endif
