import { type Check, Complaint, isSince } from "./check.ts";

/** A place in the kernel that komon may hook, and the upstream versions that have it. */
interface Hook {
  readonly name: string;
  /** First version that has it; without, all that komon runs on. */
  readonly since?: string;
  /** First version that no longer has it. */
  readonly until?: string;
}

/**
 * Functions that can be traced, and tracepoints as `system/event`.
 * Where the version between two tested kernels is not known, the later tested one stands here.
 */
export const hooks: readonly Hook[] = [
  { name: "udp_rcv" },
  { name: "udpv6_rcv" },
  { name: "__udp4_lib_rcv", until: "7.2" },
  { name: "udp_queue_rcv_one_skb" },
  { name: "skb_consume_udp" },
  { name: "udp_sendmsg" },
  { name: "udpv6_sendmsg" },
  { name: "net/netif_receive_skb" },
  { name: "net/net_dev_queue" },
  { name: "net/net_dev_start_xmit" },
  // 6e6eda44b939 "sock: add tracepoint for send recv length"
  { name: "sock/sock_recv_length", since: "6.3" },
  { name: "sock/sock_send_length", since: "6.3" },
  { name: "udp/udp_fail_queue_rcv_skb" },
  { name: "skb/kfree_skb" },
  { name: "tcp/tcp_retransmit_skb" },
  { name: "tcp/tcp_probe" },
];

/** Whether the kernels have the hooks that komon's ladder is built on: no komon needed. */
export const hooksCheck: Check = {
  name: "hook points",
  komon: false,
  script: [
    "cd /sys/kernel/tracing",
    `grep -xE '(${names(false).join("|")})' available_filter_functions`,
    `for event in ${names(true).join(" ")}; do [ -d "events/$event" ] && echo "$event"; done`,
    "exit 0",
  ].join("\n"),
  expected: () => "works",
  judge({ stdout }, version) {
    const found = new Set(stdout.split("\n"));
    const wrong = hooks.filter((hook) => found.has(hook.name) !== isThere(hook, version));
    if (wrong.length > 0) {
      const sentences = wrong.map(({ name }) => `${name} is ${found.has(name) ? "" : "not "}there`);
      throw new Complaint(`${sentences.join(", ")}: against what is written of this version`);
    }
    return `${hooks.filter((hook) => found.has(hook.name)).length} of ${hooks.length}`;
  },
};

/** Whether a kernel of this version has the hook. */
export function isThere(hook: Hook, version: string): boolean {
  return (
    (!hook.since || isSince(version, hook.since)) && (!hook.until || !isSince(version, hook.until))
  );
}

function names(isEvent: boolean): string[] {
  return hooks.map((hook) => hook.name).filter((name) => name.includes("/") === isEvent);
}
