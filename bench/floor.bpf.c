/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What no observer at komon's hooks can go below: programs there that do nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EMPTY(name, section, result) SEC(section) int name(void *context) { return result; }

EMPTY(nic, "tp_btf/netif_receive_skb", 0)
EMPTY(rx, "cgroup_skb/ingress", 1)
EMPTY(drop, "tp_btf/kfree_skb", 0)
EMPTY(read, "tp_btf/sock_recv_length", 0)
EMPTY(returned, "tp_btf/sys_exit", 0)
EMPTY(send, "tp_btf/sys_enter", 0)
EMPTY(tx, "tp_btf/net_dev_queue", 0)
