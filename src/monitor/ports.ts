/** UDP ports on which somebody receives, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

interface BoundSocket {
  readonly port: number;
  readonly inode: string;
}

/** Ports of the unconnected UDP sockets of a process: those on which it can be found. */
export function portsOfProcess(pid: number): number[] {
  const inodes = new Set(socketInodes(pid));
  return unique(boundSockets(pid).flatMap(({ port, inode }) => (inodes.has(inode) ? [port] : [])));
}

/** Ports of all unconnected UDP sockets of the network namespace that the process is in. */
export function portsOfNamespace(pid: number | "thread-self"): number[] {
  return unique(boundSockets(pid).map(({ port }) => port));
}

/** /proc/PID/net/udp: address and port in hexadecimal, the peer's (zeros when unconnected), and the inode. */
function boundSockets(pid: number | "thread-self"): BoundSocket[] {
  return ["udp", "udp6"].flatMap((table) =>
    read(`/proc/${pid}/net/${table}`)
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const words = line.trim().split(/\s+/);
        const [, local = "", peer = ""] = words;
        const inode = words[9];
        if (inode === undefined || !/^0+:0000$/.test(peer)) return [];
        return [{ port: Number.parseInt(local.split(":")[1] ?? "", 16), inode }];
      }),
  );
}

function socketInodes(pid: number): string[] {
  return list(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function unique(ports: readonly number[]): number[] {
  return [...new Set(ports)].filter((port) => port > 0).sort((a, b) => a - b);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
