import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import { usageError } from "../base/errors.ts";
import { libc } from "./bindings.ts";
import { cstring } from "./memory.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;

/** `sizeof(struct sockaddr_in6)`: enough for both families. */
export const SOCKADDR_BYTES = 28;

/** An address and port as the kernel takes them. */
export interface SocketAddress {
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** `struct sockaddr_in` or `struct sockaddr_in6`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly host: string;
  readonly port: number;
}

/**
 * Reads a numeric address: `10.0.0.2`, `::1`, `[::1]`, `fe80::1%eth0`, and `localhost` (127.0.0.1).
 * Other names are not looked up: a measurement should not depend on a resolver.
 */
export function socketAddress(host: string, port: number): SocketAddress {
  const bare = host === "localhost" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1");
  const [numeric, zone] = bare.split("%") as [string, string?];
  const family = numeric.includes(":") ? AF_INET6 : AF_INET;
  const bytes = new Uint8Array(new ArrayBuffer(family === AF_INET ? 16 : SOCKADDR_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, endianness() === "LE"); // host order
  view.setUint16(2, port);
  // sin_addr at 4; sin6_flowinfo at 4, sin6_addr at 8, sin6_scope_id at 24
  const address = new Uint8Array(new ArrayBuffer(family === AF_INET ? 4 : 16));
  if (libc.inet_pton(family, cstring(numeric), address) !== 1) {
    throw usageError(`"${host}" is no IPv4 or IPv6 address`, "give it in numbers: 10.0.0.2 or ::1");
  }
  bytes.set(address, family === AF_INET ? 4 : 8);
  if (zone !== undefined && family === AF_INET6) {
    view.setUint32(24, interfaceIndex(zone), endianness() === "LE");
  }
  return { family, bytes, host: bare, port };
}

/** Reads `10.0.0.2:1234`, `[::1]:1234`, `localhost:1234`. */
export function parseEndpoint(text: string): SocketAddress {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || !(port >= 1 && port <= 65535)) {
    throw usageError(
      `"${text}" is no address with a port`,
      "write it as 10.0.0.2:1234, or [::1]:1234 for IPv6",
    );
  }
  return socketAddress(match[1], port);
}

/** `10.0.0.2:1234` or `[::1]:1234`. */
export function endpointText({ family, host, port }: SocketAddress): string {
  return family === AF_INET6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function interfaceIndex(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  try {
    return Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
  } catch {
    throw usageError(`there is no network interface "${name}"`, "`ip link` shows those there are");
  }
}
