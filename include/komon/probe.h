/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Active probing as both sides see it: bpf/probe.bpf.c stamps and matches, src/probes/active reads through mapped
 * memory, with layouts generated from this object's BTF. All times are CLOCK_MONOTONIC in ns, 0 = unknown.
 */
#pragma once

#include <linux/types.h>

/* What a probe is, and so what answers it */
enum komon_probe_kind {
	KOMON_PROBE_ICMP, /* echo request: echo reply */
	KOMON_PROBE_UDP,  /* datagram: the same payload from that port, or the host's ICMP port unreachable */
	KOMON_PROBE_TCP,  /* SYN: SYN-ACK or RST */
};

enum komon_answer_kind {
	KOMON_ANSWER_ECHO = 1, /* the payload came back */
	KOMON_ANSWER_UNREACHABLE,
	KOMON_ANSWER_SYNACK,
	KOMON_ANSWER_RESET,
};

enum komon_answer_flag {
	KOMON_ANSWER_COPY = 1,      /* another answer to this probe came before */
	KOMON_ANSWER_REFLECTED = 2, /* with the far end's stamps */
	KOMON_ANSWER_FRAGMENT = 4,  /* first fragment of several: stamped, never dropped */
};

/* In every ICMP and UDP probe's payload. Little endian */
struct komon_probe_head {
	__u64 cookie; /* of the run, random */
	__u32 sequence;
	__u32 target; /* number of the host */
};

/* Fixed before the programs are loaded */
struct komon_probe_options {
	__u64 cookie;
	__u32 slot_mask;   /* slots - 1, slots a power of two */
	__u32 drop;        /* take answers off the network, else only stamp them */
	__u32 kind;        /* enum komon_probe_kind */
	__u32 head_offset; /* of the head in the payload, bytes */
	__u32 bytes4;      /* length of a whole probe from its IPv4 header on */
	__u32 bytes6;      /* the same for IPv6 */
	__u32 isn_base;    /* TCP: a probe's sequence number is this plus its sequence */
	__u16 local_port;  /* UDP, TCP source port; ICMP identifier */
	__u16 remote_port;
	__u32 reflected;  /* the far end writes stamps into the payload */
	__u32 most_bytes; /* no probe and no answer is longer, link header included: the rest is not looked at */
	__u32 log_mask;   /* answers that each CPU's log has room for - 1, a power of two */
};

/* One probe in flight: number sequence & slot_mask. User space arms it, the programs stamp it */
struct komon_probe_slot {
	__u64 tx_ns;
	__u64 rx_ns; /* of the first answer */
	__u32 sequence;
	__u32 target;
	__u32 armed;
	__u8 ttl; /* of the first answer */
	__u8 kind;
	__u16 copies; /* answers after the first */
};

/* One answer, in order of arrival at its CPU */
struct komon_probe_answer {
	__u64 tx_ns;
	__u64 rx_ns;
	__u32 sequence;
	__u32 target;
	__u8 kind;
	__u8 ttl;
	__u8 flags;
	__u8 padding[5];
};

/* The reflector's stamps of an answer, its wall clock taken for ours */
struct komon_probe_far {
	__u64 receive_ns;
	__u64 send_ns;
};

/* Per CPU. seen = foreign + matched + copies + stale + forged + truncated;
 * matched + copies + stale = dropped + passed */
struct komon_probe_counters {
	__u64 seen;      /* packets that came by */
	__u64 foreign;   /* not ours: untouched */
	__u64 matched;   /* first answers */
	__u64 copies;    /* further answers to the same probe */
	__u64 stale;     /* ours, so late that the slot has another probe */
	__u64 forged;    /* our cookie with a number that is not in flight: untouched */
	__u64 truncated; /* shorter than the probe: untouched */
	__u64 dropped;
	__u64 passed;
	__u64 lost_records; /* the log was full; the slot has the stamps */
	__u64 tx_stamped;
	__u64 tx_again; /* the same probe at a second device: the first stamp holds */
};

/* What one CPU alone writes, but for `taken`. Its log holds the answers number taken to written - 1, modulo its room */
struct komon_probe_cpu {
	struct komon_probe_counters counters;
	__u32 written; /* answers so far; counted on once the answer is whole */
	__u32 taken;   /* by user space */
} __attribute__((aligned(64))); /* no two CPUs write to one cache line */

struct komon_probe_control {
	__u32 next_sequence; /* the first one that is not sent; written by user space */
	__u32 sent;          /* how many were; 2^31 for all that are more */
	__u64 clock_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC: far stamps come on our own clock */
};

_Static_assert(sizeof(struct komon_probe_slot) == 32, "a slot is half a cache line");
_Static_assert(sizeof(struct komon_probe_answer) == 32, "two answers to a cache line");
_Static_assert(sizeof(struct komon_probe_cpu) == 128, "user space polls one of two cache lines");
