/** The VNF's socket queue as the kernel shows it: /proc/net/udp and udp6. */
import { readFileSync } from "node:fs";

export interface SocketQueue {
  /** Memory that waiting packets take (sk_rmem_alloc): KOMon's BUFFER_ value. */
  readonly bytes: number;
  /** Datagrams dropped because the queue was full, since the socket was opened. */
  readonly drops: number;
}

/** The queues of all UDP sockets bound to `port`, added up. About 50 µs. */
export function socketQueue(port: number): SocketQueue {
  const sum = { bytes: 0, drops: 0 };
  for (const file of ["/proc/net/udp", "/proc/net/udp6"]) {
    let text: string;
    try {
      text = readFileSync(file, "latin1");
    } catch {
      continue; // no IPv6
    }
    const { bytes, drops } = queueIn(text, port);
    sum.bytes += bytes;
    sum.drops += drops;
  }
  return sum;
}

/** Columns (net/ipv4/udp.c, udp4_format_sock): local address, remote, state, tx_queue:rx_queue, …, drops last. */
export function queueIn(text: string, port: number): SocketQueue {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let bytes = 0;
  let drops = 0;
  for (const line of text.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (!columns[1]?.endsWith(suffix)) continue;
    bytes += Number.parseInt(columns[4]?.split(":")[1] ?? "", 16) || 0;
    drops += Number(columns.at(-1)) || 0;
  }
  return { bytes, drops };
}
