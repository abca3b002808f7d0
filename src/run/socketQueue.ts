/** The VNF's socket queue as the kernel shows it: /proc/net/udp and udp6. */
import { readFileSync } from "node:fs";
import { AF_INET, socketAddress } from "../kernel/address.ts";

export interface SocketQueue {
  /** Memory that waiting packets take (sk_rmem_alloc): KOMon's BUFFER_ value. */
  readonly bytes: number;
  /** Datagrams dropped because the queue was full, since the socket was opened. */
  readonly drops: number;
}

/**
 * The queues of the UDP sockets that get what is sent to `port` of one of the addresses: bound to it, or to any; added
 * up. About 50 µs.
 */
export function socketQueue(port: number, bound: ReadonlySet<string>): SocketQueue {
  const sum = { bytes: 0, drops: 0 };
  for (const file of ["/proc/net/udp", "/proc/net/udp6"]) {
    let text: string;
    try {
      text = readFileSync(file, "latin1");
    } catch {
      continue; // no IPv6
    }
    const { bytes, drops } = queueIn(text, port, bound);
    sum.bytes += bytes;
    sum.drops += drops;
  }
  return sum;
}

/** Addresses as the files show them, and those that stand for any. */
export function boundTo(addresses: readonly (string | undefined)[]): Set<string> {
  const given = addresses.flatMap((address) => (address === undefined ? [] : procAddress(address)));
  return new Set(["0.0.0.0", "::"].map(procAddress).concat(given));
}

/** In words of 32 bits, each as the machine keeps it (net/ipv4/udp.c, udp4_format_sock; net/ipv6/datagram.c). */
function procAddress(text: string): string {
  const { family, bytes } = socketAddress(text, 0);
  const address = family === AF_INET ? bytes.slice(4, 8) : bytes.slice(8, 24);
  return [...new Uint32Array(address.buffer)]
    .map((word) => word.toString(16).toUpperCase().padStart(8, "0"))
    .join("");
}

/** Columns (net/ipv4/udp.c, udp4_format_sock): local address, remote, state, tx_queue:rx_queue, …, drops last. */
export function queueIn(text: string, port: number, bound: ReadonlySet<string>): SocketQueue {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  let bytes = 0;
  let drops = 0;
  for (const line of text.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [address = "", at] = columns[1]?.split(":") ?? [];
    if (at !== wanted || !bound.has(address)) continue;
    bytes += Number.parseInt(columns[4]?.split(":")[1] ?? "", 16) || 0;
    drops += Number(columns.at(-1)) || 0;
  }
  return { bytes, drops };
}
