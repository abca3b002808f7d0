/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The forwarding probe for kernels before 5.12, which have no atomic that returns a value; see lib/atomic.h. */
#define KOMON_NO_FETCH
#include "forward.bpf.c"
