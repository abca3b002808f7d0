/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The VNF probe: five points of a UDP packet's way through a host (nic, rx, read, send, tx), each with one program
 * per rung. User space loads one program a point; see src/probes/vnf/hooks.ts for the ladder.
 */
#include "lib/point_nic.h"
#include "lib/point_rx.h"
#include "lib/point_read.h"
#include "lib/point_send.h"
#include "lib/point_tx.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
