/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * One body of code for two kinds of program. Tracing programs with BTF get typed pointers and read a field by a
 * plain load (1 ns); kprobes get plain numbers and must ask bpf_probe_read_kernel (5 to 10 ns). `direct` is a constant.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define LOAD(direct, pointer, field)                                                              \
	({                                                                                        \
		typeof((pointer)->field) value_;                                                  \
		if (direct)                                                                       \
			value_ = (pointer)->field;                                                \
		else                                                                              \
			bpf_core_read(&value_, sizeof(value_), &(pointer)->field);                \
		value_;                                                                           \
	})

#ifndef KOMON_NO_KFUNC
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak; /* 6.2 */
#endif

/*
 * Words of kernel memory that no type tells of: a packet's bytes. Where programs may look at plain memory as if it were
 * of a type, that takes a load a word and a check of its address, and what is not there reads as 0; else the helper is
 * asked, which takes 28 ns. False: it cannot be read.
 */
static __always_inline bool peek(__u64 *to, const void *from, const __u32 words, const bool direct)
{
#ifndef KOMON_NO_KFUNC
	if (direct) {
		const __u64 *word = bpf_rdonly_cast(from, bpf_core_type_id_kernel(struct rtnl_link_stats64));

#pragma unroll
		for (__u32 i = 0; i < words; i++)
			to[i] = word[i];
		return true;
	}
#endif
	return !bpf_probe_read_kernel(to, words * sizeof(*to), from);
}

/*
 * How far a kernel object lies from `anchor`: a plain number that tells objects apart, the same in both kinds of
 * program. The verifier forbids nearly all arithmetic with a typed pointer, but the difference of two is a number.
 * Where the object's address is a number already, the anchor has to become one: read back from memory it has no type.
 */
static __always_inline __u64 distance(const void *object, const void *anchor, const bool direct)
{
	__u64 number;

	if (direct)
		return (__u64)object - (__u64)anchor;
	bpf_probe_read_kernel(&number, sizeof(number), &anchor);
	return (__u64)object - number;
}

/* Network byte order to host's; all architectures komon builds for are little endian */
#define HOST16(x) __builtin_bswap16(x)
