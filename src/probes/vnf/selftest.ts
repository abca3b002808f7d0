/**
 * Hooks count as working only when they have counted: a program may load, attach and never run. komon sends itself a
 * known number of packets over loopback, through two sockets of its own, and looks at the counters.
 */
import { existsSync } from "node:fs";
import { KomonError } from "../../base/errors.ts";
import { SOCKADDR_BYTES, type SocketAddress, socketAddress } from "../../kernel/address.ts";
import { komonVnfControl } from "../../kernel/generated/vnf.ts";
import { errnoWhy, lastErrno, libc, stableMemory } from "../../kernel/libc.ts";
import { possibleCpus } from "../../kernel/map.ts";
import type { BpfObject } from "../../kernel/object.ts";
import {
  bindSocket,
  closeSocket,
  localPort,
  setReceiveTimeout,
  udpSocket,
} from "../../kernel/socket.ts";
import type { Point } from "../../model/points.ts";
import { forget } from "./forget.ts";
import { Control, CounterMemory, type Counters } from "./memory.ts";

/** Whether the hooks have counted every packet; or the first point that has not. */
export type Proof =
  | { readonly is: "yes" }
  | { readonly is: "no"; readonly point: Point; readonly why: string }
  | { readonly is: "cannot tell"; readonly why: string };

/** A prime: no hook that counts twice, or every second packet, comes to it. */
const packets = 23;
const payloadBytes = 64;
/** Loopback delivers before the send call returns, or a moment later on a busy host. */
const patienceNs = 200e6;
/** While it runs, the packets are those of the first VNF; nothing of them stays. */
const vnf = 0;

/**
 * Sends packets over IPv4, and over IPv6 where the host has it. For use before any port is watched; costs about a
 * millisecond. "Cannot tell" where loopback carries nothing: it is down, or filtered.
 */
export function selfTest(object: BpfObject, points: ReadonlySet<Point>): Proof {
  const cpus = possibleCpus();
  const map = object.map("counters");
  using control = new Control(object.control(komonVnfControl.size));
  using counters = new CounterMemory(map, cpus, map.entries / cpus);
  const hosts = existsSync("/proc/sys/net/ipv6") ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  let proof: Proof | undefined;
  for (const host of hosts) {
    const before = counters.read(vnf);
    const silence = exchange(control, socketAddress(host, 0));
    if (silence !== undefined) proof ??= { is: "cannot tell", why: silence };
    else proof = verdict(before, counters.read(vnf), points, host);
    if (proof?.is === "no") break;
  }
  forget(object);
  return proof!;
}

/** Sends the packets to a watched socket, reads them there, sends them back; why not, if not. */
function exchange(control: Control, address: SocketAddress): string | undefined {
  const sockets: number[] = [];
  let port = 0;
  try {
    for (let i = 0; i < 2; i++) {
      const fd = udpSocket(address.family);
      sockets.push(fd);
      bindSocket(fd, address);
      setReceiveTimeout(fd, patienceNs);
    }
    const [client, server] = sockets;
    port = localPort(server);
    control.watch(port, vnf, {});
    return carry(client, server, socketAddress(address.host, port));
  } catch (error) {
    if (error instanceof KomonError) return [error.what, error.why].join(": ");
    throw error;
  } finally {
    if (port > 0) control.unwatch(port);
    sockets.forEach(closeSocket);
  }
}

function carry(client: number, server: number, { bytes: to, host }: SocketAddress) {
  const payload = stableMemory(payloadBytes);
  const view = new DataView(payload.buffer);
  const sender = stableMemory(SOCKADDR_BYTES);
  const senderBytes = new Uint32Array(1);
  const failed = () => `${host} does not carry packets: ${errnoWhy(lastErrno())}`;
  for (let i = 0; i < packets; i++) {
    view.setUint32(0, i, true);
    if (libc.sendto(client, payload.address, payloadBytes, 0, to, to.length) < 0) return failed();
  }
  for (let i = 0; i < packets; i++) {
    senderBytes[0] = SOCKADDR_BYTES;
    const bytes = libc.recvfrom(
      server,
      payload.address,
      payloadBytes,
      0,
      sender.address,
      senderBytes,
    );
    if (bytes < 0) return failed();
    const sent = libc.sendto(server, payload.address, bytes, 0, sender.address, senderBytes[0]);
    if (sent < 0) return failed();
  }
  for (let i = 0; i < packets; i++) {
    if (libc.recvfrom(client, payload.address, payloadBytes, 0, null, null) < 0) return failed();
  }
  return undefined;
}

function verdict(
  before: Counters,
  after: Counters,
  points: ReadonlySet<Point>,
  host: string,
): Proof {
  const passed: Record<Point, (counted: Counters) => number> = {
    rx: ({ seen }) => seen,
    read: ({ reads, unknownReads }) => reads - unknownReads,
    send: ({ matched }) => matched,
    nic: ({ seen, noNic }) => seen - noNic,
    tx: ({ transmitted }) => transmitted,
  };
  for (const point of ["rx", "read", "send", "nic", "tx"] as const) {
    const tally = passed[point](after) - passed[point](before);
    if (tally === packets || !points.has(point)) continue;
    const why = `counted ${tally} of ${packets} packets that komon sent to itself over ${host}`;
    return { is: "no", point, why };
  }
  return { is: "yes" };
}
