/** The sockets that probes leave by, and the one that a process would wait at for answers. */
import { AF_INET, AF_INET6, type SocketAddress, socketAddress } from "../kernel/address.ts";
import { libc } from "../kernel/libc.ts";
import {
  bindToDevice,
  filterIcmp,
  MtuDiscover,
  Protocol,
  rawSocket,
  setIpOption,
} from "../kernel/raw.ts";
import { bindSocket, closeSocket, localPort, setBuffer, udpSocket } from "../kernel/socket.ts";
import type { SessionOptions } from "./plan.ts";

type Family = SocketAddress["family"];

const bufferBytes = 4 << 20;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const echoReply = { [AF_INET]: 0, [AF_INET6]: 129 } as const;

/** Closed together. */
export class Sockets implements Disposable {
  readonly sending = new Map<Family, number>();
  /** Where answers come in that nobody dropped. */
  readonly receiving = new Map<Family, number>();
  /** The source port of UDP and TCP probes, the identifier of ICMP ones. */
  readonly identifier: number;
  readonly #all: number[] = [];

  constructor(options: SessionOptions, families: ReadonlySet<Family>, random: number) {
    try {
      this.identifier = options.kind === "icmp" ? random : this.#reservePort(options, families);
      for (const family of families) this.#open(options, family);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** A port that nobody else gets while we live, in both families. */
  #reservePort({ kind, source }: SessionOptions, families: ReadonlySet<Family>): number {
    let port = 0;
    for (const family of families) {
      const fd = this.#keep(
        kind === "udp" ? udpSocket(family) : libc.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0),
      );
      if (family === AF_INET6) setIpv6Alone(fd);
      bindSocket(fd, sourceOf(source, family, port));
      port = localPort(fd);
      if (kind === "udp") this.sending.set(family, fd);
    }
    return port;
  }

  #open(options: SessionOptions, family: Family): void {
    let fd = this.sending.get(family);
    if (fd === undefined) {
      const icmp = family === AF_INET ? Protocol.icmp : Protocol.icmp6;
      fd = this.#keep(rawSocket(family, options.kind === "tcp" ? Protocol.tcp : icmp));
      this.sending.set(family, fd);
      if (options.source?.family === family) bindSocket(fd, options.source);
      if (options.kind === "icmp") filterIcmp(fd, family);
      else {
        setBuffer(fd, "receive", 1); // answers are not read here
        if (family === AF_INET6) setIpOption(fd, family, "checksum", 16);
      }
    }
    setBuffer(fd, "send", bufferBytes);
    setIpOption(fd, family, "errors", 1);
    setIpOption(fd, family, "mtuDiscover", options.df ? MtuDiscover.always : MtuDiscover.never);
    if (options.ttl !== undefined) setIpOption(fd, family, "ttl", options.ttl);
    if (options.tos !== undefined) setIpOption(fd, family, "tos", options.tos);
    if (options.interface !== undefined) bindToDevice(fd, options.interface);
    if (!options.drop) this.#openReceiver(options, family, fd);
  }

  #openReceiver({ kind }: SessionOptions, family: Family, sending: number): void {
    if (kind === "tcp") return; // no process sees a half-open connection
    const fd =
      kind === "udp"
        ? sending
        : this.#keep(rawSocket(family, family === AF_INET ? Protocol.icmp : Protocol.icmp6));
    if (kind === "icmp") filterIcmp(fd, family, echoReply[family]);
    setBuffer(fd, "receive", bufferBytes);
    this.receiving.set(family, fd);
  }

  #keep(fd: number): number {
    this.#all.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#all.splice(0)) closeSocket(fd);
  }
}

function sourceOf(source: SocketAddress | undefined, family: Family, port: number): SocketAddress {
  const host = source?.family === family ? source.host : family === AF_INET ? "0.0.0.0" : "::";
  return socketAddress(host, port);
}

function setIpv6Alone(fd: number): void {
  const IPPROTO_IPV6 = 41;
  const IPV6_V6ONLY = 26;
  libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, new Int32Array([1]), 4);
}
