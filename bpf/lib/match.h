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

static __always_inline void matched(struct komon_thread *t, struct komon_held *h, __u32 position, __u64 now)
{
	struct komon_counters *c = counters_of(h->vnf);
	struct komon_histograms *spans = histograms_of(h->vnf);

	h->send_ns = now;
	h->state = KOMON_SENT;
	if (!c || !spans)
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
	if (options.tx_watched && t->awaiting_last - t->awaiting_first < KOMON_HELD) {
		t->awaiting[t->awaiting_last++ % KOMON_HELD] = position % KOMON_HELD;
		return;
	}
	h->state = KOMON_DONE;
	c->no_tx++;
	if (h->interval && !emit(h, 0))
		c->lost_send++;
}

#define KNOWN_UDP -1

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
 * Pairs one datagram that the current thread gives back with one it has read. Only on a UDP socket may the pair rest
 * on buffer or order alone, so `fd` is looked at when content does not decide.
 */
static __always_inline int match(__u32 thread_key, __u64 buffer, __u64 bytes_and_contiguous, __u64 now, int fd)
{
	struct komon_thread *t = bpf_map_lookup_elem(&threads, &thread_key);
	struct user_data data = {
		.buffer = buffer,
		.bytes = bytes_and_contiguous >> 32,
		.contiguous = (__u32)bytes_and_contiguous,
	};
	__u64 head = 0;

	if (!t || !t->reads)
		return 0;
	__u64 digest = user_digest(&data, data.bytes, &head);
	/* Unsent packets reach back to first_unsent; three more, to know a packet that is sent twice */
	__u32 depth = t->reads - t->first_unsent + 3;

	if (depth >= KOMON_HELD)
		depth = KOMON_HELD - 1;
	if (depth >= t->reads)
		depth = t->reads - 1;
	__u32 position = buffer ? newest_in_buffer(thread_key, depth, buffer) : 0;
	struct komon_held *h = held_at(t, position - 1);
	__u32 flags = 0;

	if (!position || !has_content(h, digest, data.bytes)) {
		__u32 same_buffer = position;

		position = oldest_with_content(thread_key, depth, digest, data.bytes);
		if (!position) {
			struct komon_counters *c = counters_of(held_at(t, t->reads - 1)->vnf);

			if (fd != KNOWN_UDP && !is_udp_socket(fd))
				return 0;
			if (newest_sent_with_content(thread_key, depth, digest, data.bytes)) {
				if (c)
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
				if (c)
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
		c->duplicate_sends++;
		return 0;
	}
	if (t->first_unsent == position)
		t->first_unsent = position + 1;
	else
		flags |= KOMON_FLAG_OVERTOOK;
	if (!h->digest && h->payload_bytes == data.bytes) { /* never read before: now it could be */
		flags &= ~KOMON_FLAG_REWRITTEN;
		h->digest = digest;
		h->head = head;
	}
	h->flags = flags;
	h->sent_bytes = data.bytes;
	h->sent_head = head;
	matched(t, h, position - 1, now);
	return 1;
}

/* Own functions, verified once */
__attribute__((noinline)) int match_send(__u32 thread_key, __u64 buffer, __u64 bytes_and_contiguous, __u64 now, int fd)
{
	return match(thread_key, buffer, bytes_and_contiguous, now, fd);
}

__attribute__((noinline)) int match_udp_send(__u32 thread_key, __u64 buffer, __u64 bytes_and_contiguous, __u64 now)
{
	return match(thread_key, buffer, bytes_and_contiguous, now, KNOWN_UDP);
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
