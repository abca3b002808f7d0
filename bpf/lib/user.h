/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The VNF's own buffers: where a receive call puts a datagram, where a send call takes it from. */
#pragma once

#include "digest.h"
#include "komon/vnf.h"
#include "packet.h"
#include "vmlinux.h"

#define IOVECS_MOST 8
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* The ABI of recvmsg(2) and sendmsg(2) on 64 bits; not the kernel's own types, so nothing to relocate */
struct abi_iovec {
	__u64 base;
	__u64 length;
};

struct abi_msghdr {
	__u64 name;
	__u64 name_length;
	__u64 iov;
	__u64 iov_length;
	__u64 control;
	__u64 control_length;
	__u64 flags;
};

struct abi_mmsghdr {
	struct abi_msghdr message;
	__u64 length;
};

/* A datagram in user memory */
struct user_data {
	__u64 buffer;     /* address of its first byte, 0 = unknown */
	__u32 contiguous; /* bytes that lie there in a row */
	__u32 bytes;      /* in all; 0 = unknown or empty */
};

/* Where a receive call with this message puts the first bytes */
static __always_inline void first_iovec(struct user_data *data, __u64 iov)
{
	struct abi_iovec v;

	if (bpf_probe_read_user(&v, sizeof(v), (void *)iov))
		return;
	data->buffer = v.base;
	data->contiguous = v.length;
}

static __always_inline void from_iovecs(struct user_data *data, __u64 iov, __u64 count)
{
	struct abi_iovec v;

	if (!count || bpf_probe_read_user(&v, sizeof(v), (void *)iov))
		return;
	data->buffer = v.base;
	data->contiguous = v.length;
	data->bytes = v.length;
	for (int i = 1; i < IOVECS_MOST; i++) {
		if (i >= count)
			break;
		if (bpf_probe_read_user(&v, sizeof(v), (void *)(iov + i * sizeof(v))))
			break;
		data->bytes += v.length;
	}
}

/*
 * The memory that a message of the kernel's (sendmsg, recvmsg of a socket) runs over, when it is the user's. By its
 * first piece: `bytes` is for the caller to set.
 */
static __always_inline void from_message(struct user_data *data, struct msghdr *message, const bool direct)
{
	struct msghdr___before_5_14 *message_5_13 = (void *)message;
	struct msghdr___before_6_4 *message_6_3 = (void *)message;
	struct iovec first;
	void *iov;
	__u32 kind;

	if (bpf_core_field_exists(message->msg_iter.iter_type))
		kind = LOAD(direct, message, msg_iter.iter_type);
	else
		kind = LOAD(direct, message_5_13, msg_iter.type) & ~3; /* low bits: direction and no reference */
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    kind == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		bpf_core_read(&data->buffer, sizeof(data->buffer), &message->msg_iter.ubuf);
		data->contiguous = LOAD(direct, message, msg_iter.count);
		return;
	}
	if (kind != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return;
	if (bpf_core_field_exists(message->msg_iter.__iov))
		bpf_core_read(&iov, sizeof(iov), &message->msg_iter.__iov);
	else
		bpf_core_read(&iov, sizeof(iov), &message_6_3->msg_iter.iov);
	if (bpf_probe_read_kernel(&first, sizeof(first), iov))
		return;
	data->buffer = (__u64)first.iov_base;
	data->contiguous = first.iov_len;
}

/* Digest of the window, 0 where it does not lie in a row; `head`: the first 8 bytes */
static __always_inline __u64 user_digest(const struct user_data *data, __u32 bytes, __u64 *head)
{
	struct payload payload = {};
	__u32 window = digest_window(bytes);

	if (window > DIGEST_MOST)
		return 0;
	if (window && (!data->buffer || data->contiguous < window + options.digest_offset ||
		       bpf_probe_read_user(&payload, window, (void *)(data->buffer + options.digest_offset))))
		return 0;
	if (options.digest_offset == 0)
		*head = payload.word[0];
	else if (data->contiguous >= 8)
		bpf_probe_read_user(head, 8, (void *)data->buffer);
	return digest_of(&payload);
}

/* Is this descriptor of the current task a UDP socket? */
static __always_inline bool is_udp_socket(unsigned int fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file;

	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return false;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP_;
}
