/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The TCP probe's memory as both sides see it: bpf/tcp.bpf.c writes it, src/probes/tcp reads it, with layouts
 * generated from this object's BTF. Round-trip times are in microseconds, as the kernel itself keeps them; all
 * other times are CLOCK_MONOTONIC in ns, 0 = unknown.
 */
#pragma once

#include <linux/types.h>

enum komon_tcp_limit {
	KOMON_TCP_WAYS = 8, /* places in the table that one connection may take */

	/* Per connection: 8 buckets an octave, up to 2^24 us (17 s); every second bound of bpf/lib/histogram.h */
	KOMON_TCP_RTT_BUCKETS = 168,
};

enum komon_tcp_family {
	KOMON_TCP_IPV4 = 4,
	KOMON_TCP_IPV6 = 6,
};

enum komon_tcp_role {
	KOMON_TCP_UNKNOWN_ROLE, /* older than komon */
	KOMON_TCP_CLIENT,
	KOMON_TCP_SERVER,
};

enum komon_tcp_flag {
	KOMON_TCP_WATCHED = 1,     /* passes the filter */
	KOMON_TCP_CLOSED_HERE = 2, /* this side sent the first FIN */
	KOMON_TCP_CLOSED_THERE = 4,
	KOMON_TCP_IN_CGROUP = 8, /* its owner is in the cgroup of the filter */
	KOMON_TCP_NO_GROUP = 16, /* found no room among the groups, and is counted */
};

enum komon_tcp_event_kind {
	KOMON_TCP_CONNECTED = 1, /* a client's handshake is done */
	KOMON_TCP_FAILED,        /* a client's attempt ended without a connection; `error` says why */
	KOMON_TCP_ACCEPTED,      /* a server's accept call is about to return it */
	KOMON_TCP_CLOSED,
};

enum komon_tcp_group_by {
	KOMON_TCP_BY_NOTHING,
	KOMON_TCP_BY_LOCAL,
	KOMON_TCP_BY_REMOTE,
	KOMON_TCP_BY_SUBNET, /* of the remote side */
	KOMON_TCP_BY_PROCESS,
	KOMON_TCP_BY_COMM, /* the program's name alone */
};

/* Fixed before the programs are loaded. 0 = no filter, for all of them */
struct komon_tcp_options {
	__u32 slots;  /* of the table of connections, a power of two */
	__u32 groups; /* of round-trip times, one for `other` included */
	__u32 group_by;
	__u32 prefix4; /* bits of a subnet */
	__u32 prefix6;
	__u32 events; /* mask of komon_tcp_event_kind: which are wanted */
	__u32 rtt;    /* take round-trip times */
	__u32 family;
	__u32 netns;
	__u32 by_local_port; /* `ports` chooses local ports */
	__u32 by_remote_port;
	__u32 by_pid;
	__u64 cgroup;
	__u32 cgroup_level;
	__u32 by_laddr;
	__u32 by_raddr;
	__u32 returns; /* the end of system calls is watched */
	__u8 laddr[16];
	__u8 raddr[16];
};

/* A connection that lives. IPv4 addresses are written ::ffff:a.b.c.d. Three cache lines */
struct komon_tcp_conn {
	/* All that a packet touches, in one line */
	__u64 cookie;      /* of the socket; 0 = this place is free */
	__u64 acked_bytes; /* as last looked at, to notice acknowledgements */
	__u64 rtt_sum_us;
	__u32 srtt; /* us * 8, as the kernel keeps it */
	__u32 mdev; /* us * 4 */
	__u32 group;
	__u32 rtt_last_us;
	__u32 rtt_min_us;
	__u32 rtt_max_us;
	__u32 rtt_samples;
	__u8 family; /* enum komon_tcp_family; written last when a place is taken */
	__u8 role;
	__u8 flags;
	__u8 state; /* the kernel's TCP_ESTABLISHED... */
	__u64 pad0;

	__u64 start_ns; /* client: connect; server: the handshake's last packet; 0 = older than komon */
	__u64 established_ns;
	__u64 accepted_ns;
	__u64 cgroup;
	__u8 laddr[16];
	__u8 raddr[16];

	__u16 lport;
	__u16 rport;
	__u32 netns;
	__u32 pid; /* who connected, accepted, or listens; 0 = unknown */
	__u32 told;  /* the connect event has been given */
	__u32 async; /* nobody waits in connect for this handshake */
	__u32 pad1;
	__u8 comm[16];
	__u64 pad2[3];
};

struct komon_tcp_rtts {
	__u32 bucket[KOMON_TCP_RTT_BUCKETS];
};

/* Through the ring buffer */
struct komon_tcp_event {
	__u64 time_ns;
	__u64 sent_bytes; /* payload, each byte once */
	__u64 received_bytes;
	__u32 kind;
	__u32 error; /* errno that the socket ended with, 0 = none */
	__u32 old_state;
	__u32 retransmits;
	__u32 rtt_p50_bucket; /* of komon_tcp_rtts */
	__u32 rtt_p95_bucket;
	struct komon_tcp_conn conn;
};

/* What connections have in common whose round-trip times are taken together */
struct komon_tcp_group_key {
	__u8 addr[16];
	__u8 comm[16];
	__u32 pid;
	__u32 family;
};

struct komon_tcp_group {
	__u64 sum_us;
	__u32 min_us; /* 0 = no samples yet */
	__u32 max_us;
	__u32 srtt; /* us * 8: RFC 6298 over the group's samples, in their order */
	__u32 mdev; /* us * 4 */
	struct komon_tcp_group_key key;
	__u64 bucket[592];
};

/* Where somebody listens */
struct komon_tcp_listener {
	__u32 netns;
	__u32 port;
};

struct komon_tcp_owner {
	__u64 cgroup;
	__u32 pid;
	__u32 in_cgroup;
	__u8 comm[16];
};

struct komon_tcp_counters {
	__u64 opened;
	__u64 untracked; /* connections that found the table full */
	__u64 lost;      /* events that found the ring buffer full */
	__u64 grouped_as_other; /* connections that found no room among the groups */
};

/* What user space may change while the programs run, and what it reads */
struct komon_tcp_control {
	struct komon_tcp_counters counters;
	__u32 groups_used;
	__u32 spare_group; /* taken and not used; 0 = none */
	__u32 pids[16];    /* watched processes, 0 = none */
	__u8 ports[65536]; /* bit 0: a watched local port, bit 1: a watched remote port */
};

_Static_assert(sizeof(struct komon_tcp_conn) == 192, "conn");
_Static_assert(sizeof(struct komon_tcp_event) == 48 + 192, "event");
_Static_assert(sizeof(struct komon_tcp_options) == 104, "options");
