import { type SocketAddress, socketAddress } from "../src/kernel/address.ts";
import {
  bindSocket,
  connectSocket,
  localPort,
  setBuffer,
  setIpv6Only,
  setOption,
  setReceiveTimeout,
  udpSocket,
} from "../src/kernel/socket.ts";
import { HOLD_MS } from "./mirror.ts";
import type { VnfOptions } from "./vnf.ts";

/** The sockets of one worker. */
export interface WorkerSockets {
  readonly receiveFd: number;
  readonly sendFd: number;
  /** Size of the address a send call names; 0 on a connected socket. */
  readonly addressBytes: number;
}

/** Opens and binds the sockets of all workers, before any packet can be lost to a slow start. */
export function openSockets(options: VnfOptions): WorkerSockets[] {
  const sockets: WorkerSockets[] = [];
  let { address } = options;
  for (let worker = 0; worker < options.workers; worker++) {
    const first = sockets[0]?.receiveFd;
    const receiveFd =
      first !== undefined && options.sharedSocket ? first : receiveSocket(address, options);
    // Port 0 was for the first socket to choose; the others join it.
    address = bound(address, localPort(receiveFd));
    const { target, unconnected } = options;
    const sendFd = target ? sendSocket(target, unconnected) : receiveFd;
    const addressBytes = target ? (unconnected ? target.bytes.length : 0) : address.bytes.length;
    sockets.push({ receiveFd, sendFd, addressBytes });
  }
  return sockets;
}

function receiveSocket(address: SocketAddress, options: VnfOptions): number {
  const fd = udpSocket(address.family);
  if (address.host === "::") setIpv6Only(fd, false); // "all addresses" is all of IPv4, too
  if (options.workers > 1 && !options.sharedSocket) setOption(fd, "reusePort", 1);
  if (options.bufferBytes !== undefined) setBuffer(fd, "receive", options.bufferBytes);
  if (options.faults.reorder > 0) setReceiveTimeout(fd, HOLD_MS * 1e6);
  bindSocket(fd, address);
  return fd;
}

function sendSocket(target: SocketAddress, unconnected: boolean): number {
  const fd = udpSocket(target.family);
  if (!unconnected) connectSocket(fd, target);
  return fd;
}

function bound(address: SocketAddress, port: number): SocketAddress {
  return address.port === port ? address : socketAddress(address.host, port);
}
