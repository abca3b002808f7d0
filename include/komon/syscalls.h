/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Numbers of the system calls that receive or send a datagram, or accept a connection (kernel: arch syscall tables). */
#pragma once

#if defined(__TARGET_ARCH_x86)
enum komon_syscall {
	KOMON_SYS_READ = 0,
	KOMON_SYS_WRITE = 1,
	KOMON_SYS_READV = 19,
	KOMON_SYS_WRITEV = 20,
	KOMON_SYS_CONNECT = 42,
	KOMON_SYS_ACCEPT = 43,
	KOMON_SYS_SENDTO = 44,
	KOMON_SYS_RECVFROM = 45,
	KOMON_SYS_SENDMSG = 46,
	KOMON_SYS_RECVMSG = 47,
	KOMON_SYS_ACCEPT4 = 288,
	KOMON_SYS_RECVMMSG = 299,
	KOMON_SYS_SENDMMSG = 307,
};
#elif defined(__TARGET_ARCH_arm64)
enum komon_syscall {
	KOMON_SYS_READ = 63,
	KOMON_SYS_WRITE = 64,
	KOMON_SYS_READV = 65,
	KOMON_SYS_WRITEV = 66,
	KOMON_SYS_ACCEPT = 202,
	KOMON_SYS_CONNECT = 203,
	KOMON_SYS_SENDTO = 206,
	KOMON_SYS_RECVFROM = 207,
	KOMON_SYS_SENDMSG = 211,
	KOMON_SYS_RECVMSG = 212,
	KOMON_SYS_ACCEPT4 = 242,
	KOMON_SYS_RECVMMSG = 243,
	KOMON_SYS_SENDMMSG = 269,
};
#else
#error "komon knows the system calls of x86 and arm64"
#endif
