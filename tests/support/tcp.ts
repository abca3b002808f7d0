/** TCP sockets called one by one, so that a test knows which side does what, and when. */
import { dlopen, FFIType as T } from "bun:ffi";
import { readFileSync } from "node:fs";
import { socketAddress } from "../../src/kernel/address.ts";
import { lastErrno, libc, monotonicNs, stableMemory } from "../../src/kernel/libc.ts";
import { closeSocket, localPort } from "../../src/kernel/socket.ts";

/** This process as the kernel calls it; it depends on the path Bun was started by. */
export const ownComm = readFileSync("/proc/self/comm", "utf8").trim();

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_LINGER = 13;
const IPPROTO_TCP = 6;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

const more = dlopen("libc.so.6", {
  // int listen(int fd, int backlog);
  listen: { args: [T.i32, T.i32], returns: T.i32 },
  // int accept(int fd, struct sockaddr *addr, socklen_t *len);
  accept: { args: [T.i32, T.ptr, T.ptr], returns: T.i32 },
}).symbols;

export class TcpSocket implements Disposable {
  #fd: number;

  constructor(fd: number) {
    if (fd < 0) throw new Error(`errno ${lastErrno()}`);
    this.#fd = fd;
  }

  /** A blocking connect; says how long the caller waited. Throws with the errno. */
  static connect(host: string, port: number): { socket: TcpSocket; tookNs: number } {
    const address = socketAddress(host, port);
    const socket = new TcpSocket(libc.socket(address.family, SOCK_STREAM, 0));
    const begin = monotonicNs();
    const result = libc.connect(socket.#fd, address.bytes, address.bytes.length);
    const tookNs = monotonicNs() - begin;
    if (result !== 0) {
      const errno = lastErrno();
      socket[Symbol.dispose]();
      throw Object.assign(new Error(`connect: errno ${errno}`), { errno, tookNs });
    }
    return { socket, tookNs };
  }

  /** Begins to connect and does not wait. */
  static begin(host: string, port: number): TcpSocket {
    const address = socketAddress(host, port);
    const socket = new TcpSocket(libc.socket(address.family, SOCK_STREAM | SOCK_NONBLOCK, 0));
    libc.connect(socket.#fd, address.bytes, address.bytes.length);
    return socket;
  }

  get fd(): number {
    return this.#fd;
  }

  get port(): number {
    return localPort(this.#fd);
  }

  option(level: number, name: number, value: Int32Array): void {
    if (libc.setsockopt(this.#fd, level, name, value, value.byteLength) !== 0) {
      throw new Error(`setsockopt: errno ${lastErrno()}`);
    }
  }

  tcpOption(name: number, value: number): void {
    this.option(IPPROTO_TCP, name, new Int32Array([value]));
  }

  send(bytes: number): void {
    const data = new Uint8Array(new ArrayBuffer(bytes)).fill(0x6b);
    for (let sent = 0; sent < bytes; ) {
      const now = libc.sendto(this.#fd, data.subarray(sent), bytes - sent, 0, null, 0);
      if (now < 0) throw new Error(`send: errno ${lastErrno()}`);
      sent += now;
    }
  }

  /** Without waiting, and whether or not anybody is there. */
  write(text: string): void {
    const data = Buffer.from(text);
    libc.sendto(this.#fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, null, 0);
  }

  /** Waits for exactly that many bytes, or fewer when the other side ends. */
  receive(bytes: number): number {
    const { address } = stableMemory(bytes);
    let got = 0;
    while (got < bytes) {
      const now = libc.recvfrom(this.#fd, address, bytes - got, 0, null, null);
      if (now <= 0) break;
      got += now;
    }
    return got;
  }

  shutdown(): void {
    libc.shutdown(this.#fd, 1);
  }

  /** Closes with a reset instead of a FIN. */
  abort(): void {
    this.option(SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]));
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSocket(this.#fd);
    this.#fd = -1;
  }
}

export class TcpListener implements Disposable {
  readonly #socket: TcpSocket;
  readonly host: string;

  constructor(host = "127.0.0.1", port = 0, backlog = 4096) {
    const address = socketAddress(host, port);
    this.host = host;
    this.#socket = new TcpSocket(libc.socket(address.family, SOCK_STREAM, 0));
    this.#socket.option(SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]));
    if (libc.bind(this.#socket.fd, address.bytes, address.bytes.length) !== 0) {
      throw new Error(`bind: errno ${lastErrno()}`);
    }
    more.listen(this.#socket.fd, backlog);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  get port(): number {
    return this.#socket.port;
  }

  accept(): TcpSocket {
    return acceptFrom(this.#socket.fd);
  }

  /** A connection and both of its ends. */
  pair(): { client: TcpSocket; server: TcpSocket; tookNs: number } {
    const { socket, tookNs } = TcpSocket.connect(this.host, this.port);
    return { client: socket, server: this.accept(), tookNs };
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

export function acceptFrom(fd: number): TcpSocket {
  return new TcpSocket(more.accept(fd, null, null));
}
