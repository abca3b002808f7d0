/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Atomics that give back what was there, and what stands in for them. */
#pragma once

#ifndef KOMON_NO_FETCH
#define FETCH_ADD(pointer, n) __sync_fetch_and_add(pointer, n)
#define CLAIM(pointer, from, to) (__sync_val_compare_and_swap(pointer, from, to) == (from))
#define EXCHANGE(pointer, to) __sync_lock_test_and_set(pointer, to)
#else /* before 5.12: no atomics that return a value; exact while one CPU at a time feeds a socket */
#define FETCH_ADD(pointer, n) ({ typeof(*(pointer)) was_ = *(pointer); *(pointer) = was_ + (n); was_; })
#define CLAIM(pointer, from, to) ({ bool is_ = *(pointer) == (from); if (is_) *(pointer) = (to); is_; })
#define EXCHANGE(pointer, to) ({ typeof(*(pointer)) was_ = *(pointer); *(pointer) = (to); was_; })
#endif

/* How long ago; below 0 where another CPU has read its clock since */
#define SINCE(now, then) ((__s64)((now) - (then)))

/*
 * Writes a number that says what was written before it is whole. x86 keeps stores in order; elsewhere an exchange is
 * the only barrier that BPF has everywhere (arm64: since 5.18)
 */
#ifdef __TARGET_ARCH_x86
#define PUBLISH(pointer, value) ({ barrier(); *(volatile typeof(*(pointer)) *)(pointer) = (value); })
#else
#define PUBLISH(pointer, value) ((void)EXCHANGE(pointer, value))
#endif
