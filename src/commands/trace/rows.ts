import type { Row } from "../../model/table.ts";
import type { TcpConnection } from "../../probes/tcp/connection.ts";

/** A connection as the machine formats have it; see {@link connectionColumns}. */
export function connectionRow(c: TcpConnection, time: string): Row {
  return {
    time,
    pid: c.owner.pid || null,
    comm: c.owner.comm || null,
    ip: c.family,
    laddr: c.laddr,
    lport: c.lport,
    raddr: c.raddr,
    rport: c.rport,
    role: c.role,
    netns: c.netns,
    cgroup: c.owner.cgroup || null,
  };
}
