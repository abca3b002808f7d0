import type { RunResult } from "../../../src/model/result.ts";
import { type Check, Complaint, same } from "./check.ts";

const run = "komon run 1 23 0 20 128 5000 1 --format json --seed 1";

/** A kernel that does not tell its types: a clear refusal, and a file instead of them. */
export const btfCheck: Check = {
  name: "without BTF",
  komon: true,
  script: [
    "cp /sys/kernel/btf/vmlinux types",
    "mount -t tmpfs hidden /sys/kernel/btf",
    `${run} --out without 2>refusal; echo $? >code`,
    `${run} --out with --btf types; code=$?`,
    "umount /sys/kernel/btf",
    "rm types",
    "exit $code",
  ].join("\n"),
  expected: () => "works",
  judge({ exit, stdout, files }) {
    same("the exit code without a file", files.code?.trim(), "3");
    for (const word of ["CONFIG_DEBUG_INFO_BTF", "--btf FILE"]) {
      if (!files.refusal?.includes(word)) throw new Complaint(`the refusal does not name ${word}`);
    }
    same("the exit code with a file", exit, 0);
    const { hooks, coverage } = JSON.parse(stdout) as RunResult;
    same("the hooks", Object.fromEntries(Object.entries(hooks).map(([p, { hook }]) => [p, hook])), {
      nic: "raw_tp/netif_receive_skb",
      rx: "kprobe/udp_queue_rcv_one_skb",
      read: "kprobe/skb_consume_udp",
      send: "kprobe/udp_sendmsg",
      tx: "raw_tp/net_dev_queue",
    });
    same("matched of seen", coverage.matched, coverage.seen);
    return "refused, kprobe with --btf";
  },
};
