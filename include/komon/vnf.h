/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The VNF probe's memory as both sides see it: bpf/vnf.bpf.c writes it, src/probes/vnf reads it through
 * mapped memory, with layouts generated from this object's BTF. All times are CLOCK_MONOTONIC in ns, 0 = unknown.
 */
#pragma once

#include <linux/types.h>

enum komon_limit {
	KOMON_VNFS = 16,            /* VNFs (ports) at once */
	KOMON_QUEUES = 32,          /* sockets of those VNFs at once */
	KOMON_QUEUE_PACKETS = 4096, /* packets in one socket's queue, power of two */
	KOMON_THREADS = 256,        /* threads that read from those sockets, power of two */
	KOMON_HELD = 64,            /* packets a thread has read and not yet sent, power of two */
	KOMON_NIC_RING = 16,        /* packets between nic and rx on one CPU, power of two */

	/* Log-linear histogram: 16 buckets an octave (6.25 % wide at most), 1 ns to 2^40 ns (18 minutes) */
	KOMON_SUB_BITS = 4,
	KOMON_MAX_BITS = 40,
	KOMON_BUCKETS = (KOMON_MAX_BITS - KOMON_SUB_BITS + 1) << KOMON_SUB_BITS,
};

enum komon_span {
	KOMON_SERVICE,
	KOMON_QUEUE,
	KOMON_SOJOURN,
	KOMON_EGRESS,
	KOMON_TOTAL,
	KOMON_SPANS,
};

/* Fixed before the programs are loaded */
struct komon_vnf_options {
	__u32 vnfs;          /* that the per-CPU maps have room for */
	__u32 tx_watched;    /* the tx point has a hook: a sampled packet's record waits for it */
	__u32 digest_offset; /* of the window into the payload that tells packets apart, bytes */
	__u32 digest_bytes;  /* its length, 0..64 */
	__u32 cgroup_asked;  /* a filter may name a cgroup */
	__u32 vnfinfo;       /* fill the results of include/komon/vnfinfo.h */
	__u32 deadline_span; /* the span that deadline_ns is for: KOMON_SERVICE or KOMON_SOJOURN */
	__u32 pair_at_tx;    /* tx and the return of the send call are watched: the payload is looked at there */
	__u64 deadline_ns;   /* 0 = none */
};

/* Which packets belong to a VNF. 0 = any. Written by user space */
struct komon_vnf_filter {
	__u32 in_ifindex;
	__u32 out_ifindex;
	__u32 netns; /* inode number of the network namespace */
	__u32 tgid;
	__u64 cgroup;       /* inode number of a folder in the cgroup2 hierarchy; those below it belong to it */
	__u32 cgroup_level; /* how deep it lies there, 0 = the root */
	__u32 pad;
};

/* Per-packet records are taken of the first `wanted` packets matched that passed rx after start_ns */
struct komon_vnf_sampling {
	__u64 start_ns;
	__u64 wanted; /* written last to start; 0 stops */
	__u64 taken;  /* counted by the kernel */
	__u64 interval;
};

struct komon_vnf_control {
	struct komon_vnf_filter filter[KOMON_VNFS];
	struct komon_vnf_sampling sampling[KOMON_VNFS];
	__u32 thread_ids[KOMON_THREADS]; /* whose the entries of `threads` are; 0 = free. Kernel's */
	__u8 vnf_of_port[65536]; /* 0 = not watched, else index of the VNF + 1 */
};

enum komon_packet_state {
	KOMON_EMPTY,
	KOMON_QUEUED,  /* in the socket's queue */
	KOMON_READ,    /* with the VNF */
	KOMON_SENT,    /* given back, on its way to the device queue */
	KOMON_DONE,    /* all points passed, or as far as it came */
	KOMON_DROPPED, /* freed by the stack before the VNF read it */
};

/* A packet in a socket's queue. 64 bytes: one cache line */
struct komon_queued {
	__u64 position; /* in the socket's order of arrival, 1.. */
	__u64 skb;
	__u64 nic_ns;
	__u64 rx_ns;
	__u64 digest; /* of the payload, 0 = could not be read */
	__u64 head;   /* first 8 bytes of the payload */
	__u32 payload_bytes;
	__u32 state;
	__u32 vnf;
	__u32 passed_over;
};

/* The mirror image of one socket's receive queue */
struct komon_queue {
	/* Read by all, written when another socket gets the place. The rest is on cache lines by who writes */
	__u64 sk;   /* what tells it from others; 0 = free */
	__u64 base; /* positions up to here belong to a socket that had this place before */
	__u64 pad[6];
	/* rx */
	__u64 tail; /* packets entered */
	__u64 active_ns;
	__u64 pad_rx[6];
	/* read */
	__u64 next; /* position the next read is expected to take */
	__u64 pad_read[7];
	struct komon_queued packet[KOMON_QUEUE_PACKETS];
};

/* A packet that a thread has read */
struct komon_held {
	__u64 nic_ns;
	__u64 rx_ns;
	__u64 read_ns;
	__u64 send_ns;
	__u64 digest;
	__u64 head;
	__u64 sent_head;  /* first 8 bytes of what was sent */
	__u64 buffer;     /* user address it was read into, 0 = unknown */
	__u32 payload_bytes;
	__u32 sent_bytes;
	__u32 interval;   /* of the sample, 0 = not sampled */
	__u32 index;      /* in the interval, 0.. */
	__u32 vnf;
	__u32 state;
	__u32 flags;      /* enum komon_sample_flag */
	__u32 pad;
};

#define KOMON_KNOWN_UDP -1

struct komon_thread {
	__u64 active_ns;
	__u64 send_ns;      /* of the packet that the thread gives back now, while it is not paired; 0 = none */
	__u64 send_buffer;  /* user address */
	__u64 send_digest;
	__u64 send_head;    /* first 8 bytes */
	__u32 send_bytes;
	__s32 send_fd;      /* KOMON_KNOWN_UDP: it is a UDP socket */
	__u64 recv_buffer;  /* user address: of the payload, of the msghdr, or of the array of mmsghdr */
	__u32 recv_kind;    /* enum komon_buffer_kind */
	__u32 recv_rest;    /* of an array: its next element; of plain memory: the bytes that lie there in a row */
	__u32 recv_reads;   /* `reads` when the receive call began: as many still, and that call brought nothing, or komon missed it */
	__u32 reads;        /* packets read; the newest lies at held[(reads - 1) % KOMON_HELD] */
	__u32 awaiting_first; /* positions in `awaiting` of the sent packets that have not reached a device */
	__u32 awaiting_last;
	__u32 first_unsent; /* no packet before this position (1..) is unsent */
	__u32 returned;     /* of `reads`: those whose receive call has returned; their stamp is final */
	__u32 overrun;      /* `reads` when a packet not yet sent last lost its place to a later one; 0 = never */
	__u32 pad;
	__u8 awaiting[KOMON_HELD];
	struct komon_held held[KOMON_HELD];
};

enum komon_buffer_kind {
	KOMON_BUFFER_NONE,
	KOMON_BUFFER_PLAIN,
	KOMON_BUFFER_MSGHDR,
	KOMON_BUFFER_MMSGHDR,
	KOMON_BUFFER_IOVEC,
};

enum komon_sample_flag {
	KOMON_FLAG_REWRITTEN = 1, /* left with another payload: matched by buffer or by order */
	KOMON_FLAG_BY_ORDER = 2,  /* matched by order of arrival alone */
	KOMON_FLAG_OVERTOOK = 4,  /* a packet read earlier by this thread was still unsent */
};

/* One sampled packet, through the ring buffer */
struct komon_sample {
	__u64 nic_ns;
	__u64 rx_ns;
	__u64 read_ns;
	__u64 send_ns;
	__u64 tx_ns;
	__u64 digest;
	__u64 head;
	__u32 payload_bytes;
	__u32 sent_bytes;
	__u32 interval;
	__u32 index;
	__u32 tid;
	__u16 vnf;
	__u16 flags;
};

/* Per CPU and VNF. Each field is written at one point, so that plain increments are exact */
struct komon_counters {
	/* rx */
	__u64 seen;
	__u64 filtered_rx;
	__u64 collided_rx; /* more packets in the queue, or more sockets, than the ledger holds */
	__u64 no_nic;      /* seen at rx, not at nic */
	__u64 no_digest;
	__u64 expired_closed; /* still queued when another socket took the place of theirs */
	/* drop */
	__u64 expired_stack; /* freed by the stack between rx and read */
	/* read */
	__u64 reads;
	__u64 filtered_read;
	__u64 collided_read; /* more threads than the ledger holds */
	__u64 expired_passed; /* never read, though later packets of the socket were */
	__u64 expired_unsent; /* read, not sent, and KOMON_HELD later packets read since */
	__u64 unknown_reads; /* read, but its arrival was not seen */
	/* send: at its call, at tx, or at the return of the call, always for the thread that runs */
	__u64 own_calls; /* system calls of the VNF's threads that this program looked into */
	__u64 matched;
	__u64 matched_rewritten;
	__u64 matched_by_order;
	__u64 overtook;
	__u64 duplicate_sends; /* of a packet that was matched before */
	__u64 unmatched_sends; /* on a UDP socket, of nothing this thread had read */
	__u64 sampled;
	__u64 lost_send; /* ring buffer full */
	__u64 no_tx;     /* sent, never seen at the device */
	/* tx */
	__u64 transmitted;
	__u64 lost_tx;
} __attribute__((aligned(64))); /* no cache line is shared by two CPUs */

struct komon_histograms {
	__u64 count[KOMON_SPANS];
	__u64 sum_ns[KOMON_SPANS];
	__u64 max_ns[KOMON_SPANS];
	__u64 pad;
	__u64 bucket[KOMON_SPANS][KOMON_BUCKETS];
};

_Static_assert(sizeof(struct komon_queued) == 64, "one cache line");
_Static_assert(sizeof(struct komon_held) % 8 == 0 && sizeof(struct komon_held) == 96, "held");
_Static_assert(sizeof(struct komon_thread) == 96 + KOMON_HELD + KOMON_HELD * 96, "thread");
_Static_assert(sizeof(struct komon_sample) == 80, "sample");
_Static_assert(KOMON_BUCKETS == 592, "as src/stats has it");
