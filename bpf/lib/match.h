/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * A send is paired with a read of the same thread by these signs, the strongest first:
 *   1. same buffer, same content (a mirror, also with equal payloads in flight)
 *   2. same content, oldest first (a VNF that copies, reorders, drops)
 *   3. same buffer, other content (a VNF that rewrites in place)
 *   4. order alone: the oldest packet read since the last send (a VNF that rewrites into another buffer)
 */
#pragma once

#include "deadline.h"
#include "histogram.h"
#include "sample.h"
#include "user.h"
#include "vnfinfo.h"

/* The packet has been given back. It may still have to pass the device: see await_tx */
static __always_inline void matched(struct komon_held *h, struct komon_counters *c, __u64 now)
{
	struct komon_histograms *spans = histograms_of(h->vnf);

	h->send_ns = now;
	h->state = KOMON_SENT;
	if (!spans)
		return;
	record_span(spans, KOMON_SERVICE, now - h->read_ns);
	record_span(spans, KOMON_QUEUE, h->read_ns - h->rx_ns);
	record_span(spans, KOMON_SOJOURN, now - h->rx_ns);
	if (options.deadline_ns)
		judge(h->vnf, now - (options.deadline_span == KOMON_SERVICE ? h->read_ns : h->rx_ns), now,
		      options.deadline_ns);
	if (options.vnfinfo)
		vnfinfo_result(h->rx_ns, now);
	c->matched++;
	if (h->flags & KOMON_FLAG_REWRITTEN)
		c->matched_rewritten++;
	if (h->flags & KOMON_FLAG_BY_ORDER)
		c->matched_by_order++;
	if (h->flags & KOMON_FLAG_OVERTOOK)
		c->overtook++;
	sample(h, c);
}

/* A packet that was given back waits for its device; where none is watched, its way ends here */
static __always_inline void await_tx(struct komon_thread *t, __u32 position)
{
	struct komon_held *h = held_at(t, position);
	struct komon_counters *c = counters_of(h->vnf);

	if (options.tx_watched && t->awaiting_last - t->awaiting_first < KOMON_HELD) {
		t->awaiting[t->awaiting_last++ % KOMON_HELD] = position % KOMON_HELD;
		return;
	}
	h->state = KOMON_DONE;
	if (!c)
		return;
	c->no_tx++;
	if (h->interval && !emit(h, 0))
		c->lost_send++;
}

/*
 * Searches over what a thread holds, in positions 1.. (0 = none), at most `depth` back from the newest. Each is a
 * function of its own that takes plain numbers: so the verifier walks it once, and not once per way into it.
 */
__attribute__((noinline)) int newest_in_buffer(__u32 thread_key, __u32 depth, __u64 buffer)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t)
		return 0;
	__u32 position = t->reads;

	for (__u32 i = 0; i < KOMON_HELD && i <= depth; i++, position--)
		if (held_at(t, position - 1)->buffer == buffer)
			return position;
	return 0;
}

/* 0 where content is the same. In arithmetic, for the verifier's sake: it walks every way through a loop */
static __always_inline __u64 content_differs(const struct komon_held *h, __u64 digest, __u32 bytes)
{
	return (h->digest ^ digest) | (h->payload_bytes ^ bytes);
}

static __always_inline bool has_content(const struct komon_held *h, __u64 digest, __u32 bytes)
{
	return digest && !content_differs(h, digest, bytes);
}

__attribute__((noinline)) int oldest_with_content(__u32 thread_key, __u32 depth, __u64 digest, __u32 bytes)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t || !digest)
		return 0;
	__u32 position = t->reads - depth;

	for (__u32 i = 0; i < KOMON_HELD && i <= depth; i++, position++) {
		const struct komon_held *h = held_at(t, position - 1);

		if (!(content_differs(h, digest, bytes) | (h->state ^ KOMON_READ)))
			return position;
	}
	return 0;
}

/* One that was sent a moment ago, where none with this content is unsent */
__attribute__((noinline)) int newest_sent_with_content(__u32 thread_key, __u32 depth, __u64 digest, __u32 bytes)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t || !digest)
		return 0;
	__u32 position = t->reads;

	for (__u32 i = 0; i < KOMON_HELD && i <= depth; i++, position--)
		if (!content_differs(held_at(t, position - 1), digest, bytes))
			return position;
	return 0;
}

/* The oldest of the unsent packets in a row that end with the newest */
__attribute__((noinline)) int oldest_of_batch(__u32 thread_key, __u32 depth)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t)
		return 0;
	__u32 position = t->reads, i;

	for (i = 0; i < KOMON_HELD && i <= depth; i++, position--)
		if (held_at(t, position - 1)->state != KOMON_READ)
			break;
	return i ? position + 1 : 0;
}

/*
 * Pairs the datagram that the current thread gives back (t->send_*) with one it has read: the position of that, or 0.
 * Only on a UDP socket may the pair rest on buffer or order alone, so the descriptor is looked at when content does
 * not decide. `at_tx`: this is done by the packet at the device, which may be an older one of the same length: then
 * only one that was not sent yet will do, and the return of the send call has the last word. Own function, verified once
 */
__attribute__((noinline)) int pair(__u32 thread_key, int at_tx)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t || !t->reads)
		return 0;
	__u64 digest = t->send_digest, buffer = t->send_buffer;
	__u32 bytes = t->send_bytes, flags = 0;
	int fd = t->send_fd;
	/* Unsent packets reach back to first_unsent; three more, to know a packet that is sent twice */
	__u32 depth = t->reads - t->first_unsent + 3;

	if (depth >= KOMON_HELD)
		depth = KOMON_HELD - 1;
	if (depth >= t->reads)
		depth = t->reads - 1;
	__u32 position = t->reads;
	struct komon_held *h = held_at(t, position - 1);

	/* What lies there was received last, and komon has not seen it: no other packet is meant, whatever it says */
	if (buffer && buffer == t->recv_buffer && t->recv_reads == t->reads) {
		struct komon_counters *c = counters_of(h->vnf);

		if (c && !at_tx && (fd == KOMON_KNOWN_UDP || is_udp_socket(fd)))
			c->unmatched_sends++;
		return 0;
	}
	if (!buffer || h->buffer != buffer) { /* not the newest, as it nearly always is */
		position = buffer ? newest_in_buffer(thread_key, depth, buffer) : 0;
		h = held_at(t, position - 1);
	}
	if (!position || !has_content(h, digest, bytes)) {
		__u32 same_buffer = position;

		position = oldest_with_content(thread_key, depth, digest, bytes);
		if (!position) {
			struct komon_counters *c = counters_of(held_at(t, t->reads - 1)->vnf);

			if (!at_tx && fd != KOMON_KNOWN_UDP && !is_udp_socket(fd))
				return 0;
			if (newest_sent_with_content(thread_key, depth, digest, bytes)) {
				if (c && !at_tx)
					c->duplicate_sends++;
				return 0;
			}
			flags = KOMON_FLAG_REWRITTEN;
			position = same_buffer;
			/* Order tells nothing when packets that may have been meant have lost their places */
			if (!position && (!t->overrun || t->reads - t->overrun > KOMON_HELD)) {
				position = oldest_of_batch(thread_key, depth);
				flags |= KOMON_FLAG_BY_ORDER;
			}
			if (!position) {
				if (c && !at_tx)
					c->unmatched_sends++;
				return 0;
			}
		}
		h = held_at(t, position - 1);
	}
	struct komon_counters *c = counters_of(h->vnf);

	if (!c)
		return 0;
	if (h->state != KOMON_READ) {
		if (!at_tx)
			c->duplicate_sends++;
		return 0;
	}
	if (t->first_unsent == position)
		t->first_unsent = position + 1;
	else
		flags |= KOMON_FLAG_OVERTOOK;
	if (!h->digest && h->payload_bytes == bytes) { /* never read before: now it could be */
		flags &= ~KOMON_FLAG_REWRITTEN;
		h->digest = digest;
		h->head = t->send_head;
	}
	h->flags = flags;
	h->sent_bytes = bytes;
	h->sent_head = t->send_head;
	matched(h, c, t->send_ns);
	return position;
}

/* The send call's own payload is looked at, and paired; then the pair waits for the device */
static __always_inline void pair_now(struct komon_thread *t, __u32 thread_key, __u32 contiguous)
{
	struct user_data data = { .buffer = t->send_buffer, .bytes = t->send_bytes, .contiguous = contiguous };

	t->send_head = 0;
	t->send_digest = user_digest(&data, data.bytes, &t->send_head);
	__u32 position = pair(thread_key, false);

	t->send_ns = 0;
	if (position)
		await_tx(t, position - 1);
}

static __always_inline void give_back(struct komon_thread *t, __u64 buffer, __u32 bytes, __u64 now, int fd)
{
	t->send_ns = now;
	t->send_buffer = buffer;
	t->send_bytes = bytes;
	t->send_fd = fd;
}

/* Own function, verified once */
__attribute__((noinline)) int match_send(__u32 thread_key, __u64 buffer, __u64 bytes_and_contiguous, __u64 now, int fd)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);

	if (!t)
		return 0;
	give_back(t, buffer, bytes_and_contiguous >> 32, now, fd);
	pair_now(t, thread_key, bytes_and_contiguous);
	return 0;
}

/* One datagram from several pieces of memory (writev, or a message's) */
__attribute__((noinline)) int send_iovecs(__u32 thread_key, __u64 iov, __u64 count, __u64 now, int fd)
{
	struct user_data data = {};

	from_iovecs(&data, iov, count);
	return match_send(thread_key, data.buffer, (__u64)data.bytes << 32 | data.contiguous, now, fd);
}

/* The messages of sendmsg (one) and sendmmsg: their send calls begin at the same moment */
__attribute__((noinline)) int send_messages(__u32 thread_key, __u64 address, __u32 count, __u64 now, int fd)
{
	struct abi_msghdr m;

	for (__u32 i = 0; i < KOMON_HELD && i < count; i++) {
		if (bpf_probe_read_user(&m, offsetof(struct abi_msghdr, control), (void *)address))
			break;
		send_iovecs(thread_key, m.iov, m.iov_length, now, fd);
		address += sizeof(struct abi_mmsghdr);
	}
	return 0;
}
