/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The VNF probe for kernels without BTF of their own: libbpf looks for the types of kernel functions there. */
#define KOMON_NO_KFUNC
#include "vnf.bpf.c"
