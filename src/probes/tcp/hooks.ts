/** One place in the kernel that the TCP probe watches. */
export interface TcpHook {
  /** In bpf/tcp.bpf.c. */
  readonly program: string;
  /** What users see: the kernel's name of the place. */
  readonly name: string;
  readonly sentence: string;
  /** Without it the probe sees less, but what it sees is right. */
  readonly optional?: true;
  readonly cgroup?: true;
}

export const tcpHooks = {
  state: {
    program: "state",
    name: "tp_btf/inet_sock_set_state",
    sentence: "a socket changes its state: connect, listen, handshake done, FIN, end",
  },
  packet: {
    program: "packet",
    name: "tp_btf/tcp_probe",
    sentence: "a packet reaches an established connection: a round-trip time per acknowledgement",
  },
  destroyed: {
    program: "destroyed",
    name: "tp_btf/tcp_destroy_sock",
    sentence: "a socket goes away: its place in the table is free again",
  },
  returned: {
    program: "returned",
    name: "tp_btf/sys_exit",
    sentence: "accept or connect returns: who owns a server's connection, how long a client waited",
    optional: true,
  },
  ops: {
    program: "ops",
    name: "sockops",
    sentence: "after the first FIN, where tcp_probe sees nothing: a time once per round trip",
    optional: true,
    cgroup: true,
  },
} as const satisfies Record<string, TcpHook>;
