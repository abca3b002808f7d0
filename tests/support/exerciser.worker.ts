/** A VNF in a thread of its own, that receives and sends by the system calls it is told to use. */
import { dlopen, FFIType as T } from "bun:ffi";
import { type SocketAddress, socketAddress } from "../../src/kernel/address.ts";
import { errnoWhy, lastErrno, libc, monotonicNs, stableMemory } from "../../src/kernel/libc.ts";
import { threadId } from "../../src/kernel/process.ts";
import {
  bindSocket,
  closeSocket,
  connectSocket,
  localPort,
  setBuffer,
  setReceiveTimeout,
  udpSocket,
} from "../../src/kernel/socket.ts";
import type { Order, Stamps } from "./exerciser.ts";

declare const self: Worker;

const { symbols: more } = dlopen("libc.so.6", {
  // ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
  sendmsg: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
  // ssize_t readv(int fd, const struct iovec *iov, int n);   and writev
  readv: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
  writev: { args: [T.i32, T.ptr, T.i32], returns: T.i32 },
});

const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const mostBytes = 65_536;
const mostMessages = 64;
const addressBytes = 32;

/** `struct mmsghdr` with one or two `struct iovec`, an address and a payload buffer for each of the messages. */
class Messages {
  readonly headers = stableMemory(mostMessages * 64);
  readonly #iovecs = stableMemory(mostMessages * 32);
  readonly #addresses = stableMemory(mostMessages * addressBytes);
  readonly #payloads = stableMemory(mostMessages * mostBytes);
  readonly #view = new DataView(this.headers.buffer);
  readonly #pieces = new DataView(this.#iovecs.buffer);

  payload(i: number) {
    return new Uint8Array(this.#payloads.buffer, i * mostBytes, mostBytes);
  }

  payloadAt(i: number) {
    return Number(this.#payloads.address) + i * mostBytes;
  }

  iovecAt(i: number) {
    return Number(this.#iovecs.address) + i * 32;
  }

  addressAt(i: number) {
    return Number(this.#addresses.address) + i * addressBytes;
  }

  addressLength(i: number) {
    return this.#view.getUint32(i * 64 + 8, true);
  }

  received(i: number) {
    return this.#view.getUint32(i * 64 + 56, true);
  }

  /**
   * Message `i` over the payload buffer of message `buffer`. `named` 0: a connected socket, no address.
   * `split`: the first of two pieces has that many bytes.
   */
  prepare(i: number, bytes: number, named: number, split = 0, buffer = i): void {
    const first = split > 0 ? Math.min(split, bytes) : bytes;
    const u64 = (at: number, value: number) =>
      this.#view.setBigUint64(i * 64 + at, BigInt(value), true);
    u64(0, named > 0 ? this.addressAt(i) : 0);
    u64(8, named);
    u64(16, this.iovecAt(i));
    u64(24, split > 0 ? 2 : 1);
    u64(32, 0);
    u64(40, 0);
    u64(48, 0);
    const at = this.payloadAt(buffer);
    const pieces = [at, first, at + first, bytes - first];
    pieces.forEach((value, k) => {
      this.#pieces.setBigUint64(i * 32 + k * 8, BigInt(value), true);
    });
  }
}

const messages = new Messages();
const lengths = new Uint32Array(mostMessages);
let fd = -1;

function failed(call: string): Error {
  return new Error(`${call}: ${errnoWhy(lastErrno())}`);
}

/** Receives one datagram or, by recvmmsg, some; returns how many, with their lengths in `lengths`. */
function receive({ receive: call, most = mostBytes, split = 0 }: Order, left: number): number {
  const header = messages.headers.address;
  const take = (bytes: number) => {
    if (bytes < 0) throw failed(call);
    lengths[0] = bytes;
    return 1;
  };
  switch (call) {
    case "recvfrom": {
      const length = new Uint32Array([addressBytes]);
      const at = messages.payloadAt(0) as never;
      const from = messages.addressAt(0) as never;
      const bytes = libc.recvfrom(fd, at, most, 0, from, length);
      messages.prepare(0, 0, length[0]);
      return take(bytes);
    }
    case "read":
      return take(libc.read(fd, messages.payloadAt(0) as never, most));
    case "readv":
      messages.prepare(0, most, 0, split);
      return take(more.readv(fd, messages.iovecAt(0) as never, split > 0 ? 2 : 1));
    case "recvmsg":
      messages.prepare(0, most, addressBytes, split);
      return take(libc.recvmsg(fd, header, 0));
    case "recvmmsg": {
      const count = Math.min(left, 8);
      for (let i = 0; i < count; i++) messages.prepare(i, most, addressBytes, split);
      const got = libc.recvmmsg(fd, header, count, MSG_WAITFORONE, null);
      if (got < 0) throw failed(call);
      for (let i = 0; i < got; i++) lengths[i] = messages.received(i);
      return got;
    }
  }
}

/** Sends the datagrams back, the first from the buffer of message `buffer`. */
function send({ send: call, client, split = 0 }: Order, count: number, buffer: number): void {
  const named = client === undefined;
  const check = (result: number) => {
    if (result < 0) throw failed(call);
  };
  for (let i = 0; i < count; i++) {
    const bytes = lengths[i];
    const at = messages.payloadAt(buffer + i) as never;
    const nameLength = named ? messages.addressLength(i) : 0;
    switch (call) {
      case "sendto":
        check(
          libc.sendto(
            fd,
            at,
            bytes,
            0,
            named ? (messages.addressAt(i) as never) : null,
            nameLength,
          ),
        );
        break;
      case "write":
        check(libc.write(fd, at, bytes));
        break;
      case "writev":
        messages.prepare(i, bytes, 0, split, buffer + i);
        check(more.writev(fd, messages.iovecAt(i) as never, split > 0 ? 2 : 1));
        break;
      case "sendmsg":
        messages.prepare(i, bytes, nameLength, split, buffer + i);
        check(more.sendmsg(fd, (Number(messages.headers.address) + i * 64) as never, 0));
        break;
      case "sendmmsg":
        messages.prepare(i, bytes, nameLength, split, buffer + i);
        break;
    }
  }
  if (call === "sendmmsg") check(libc.sendmmsg(fd, messages.headers.address, count, 0));
}

function mirror(order: Order): Stamps {
  const stamps: Stamps = { tid: threadId(), recvNs: [], sendNs: [], seq: [], bytes: [] };
  if (order.client !== undefined) connectSocket(fd, socketAddress(order.host, order.client));
  for (let done = 0; done < order.count; ) {
    if (order.peek)
      libc.recvfrom(fd, messages.payloadAt(9) as never, mostBytes, MSG_PEEK, null, null);
    const got = receive(order, order.count - done);
    const recvNs = monotonicNs();
    for (let i = 0; i < got; i++) {
      const view = new DataView(messages.payload(i).buffer, messages.payload(i).byteOffset, 8);
      stamps.recvNs.push(recvNs);
      stamps.bytes.push(lengths[i]);
      stamps.seq.push(lengths[i] < 8 ? -1 : Number(view.getBigInt64(0, true)));
      if (order.rewrite) messages.payload(i).subarray(0, lengths[i]).fill(0xaa);
      if (order.copy) messages.payload(32 + i).set(messages.payload(i).subarray(0, lengths[i]));
    }
    const sendNs = monotonicNs();
    for (let i = 0; i < got; i++) stamps.sendNs.push(sendNs);
    if (!order.silent) send(order, got, order.copy ? 32 : 0);
    done += got;
  }
  return stamps;
}

/** Takes datagrams without waiting and drops them. */
function drain(): number {
  let taken = 0;
  const at = messages.payloadAt(0) as never;
  while (libc.recvfrom(fd, at, mostBytes, MSG_DONTWAIT, null, null) >= 0) taken++;
  return taken;
}

function open(address: SocketAddress, receiveBuffer?: number): { port: number; fd: number } {
  fd = udpSocket(address.family);
  setReceiveTimeout(fd, 5e9);
  setBuffer(fd, "receive", receiveBuffer ?? 16 * 2 ** 20);
  bindSocket(fd, address);
  return { port: localPort(fd), fd };
}

export type Request =
  | { readonly open: string; readonly receiveBuffer?: number | undefined }
  | { readonly share: number }
  | { readonly mirror: Order }
  | { readonly drain: true }
  | { readonly close: true };

function answer(request: Request): unknown {
  if ("open" in request) return open(socketAddress(request.open, 0), request.receiveBuffer);
  if ("share" in request) {
    fd = request.share;
    return true;
  }
  if ("mirror" in request) return mirror(request.mirror);
  if ("drain" in request) return drain();
  closeSocket(fd);
  return true;
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  try {
    self.postMessage({ answer: answer(data) });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
