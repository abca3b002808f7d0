/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The VNF probe for kernels without bpf_cast_to_kern_ctx, or without BTF, where libbpf looks for it. */
#define KOMON_NO_KFUNC
#include "vnf.bpf.c"
