/** A VNF that uses the system calls a test names, and the client that sends to it and gets its packets back. */
import { socketAddress } from "../../src/kernel/address.ts";
import { errnoWhy, lastErrno, libc, stableMemory } from "../../src/kernel/libc.ts";
import {
  bindSocket,
  closeSocket,
  localPort,
  setBuffer,
  setReceiveTimeout,
  udpSocket,
} from "../../src/kernel/socket.ts";
import { noSeq } from "../../src/model/records.ts";
import type { TruthRows } from "../../src/model/vnfRecord.ts";
import type { Request } from "./exerciser.worker.ts";

export const receiveCalls = ["recvfrom", "read", "recvmsg", "recvmmsg", "readv"] as const;
export const sendCalls = ["sendto", "write", "sendmsg", "sendmmsg", "writev"] as const;

export interface Order {
  readonly count: number;
  readonly receive: (typeof receiveCalls)[number];
  readonly send: (typeof sendCalls)[number];
  readonly host: string;
  /** Connect to this port of the host before the first receive, and send without an address. */
  readonly client?: number;
  /** Bytes in the first of two pieces of memory, for the calls that take several. */
  readonly split?: number;
  /** Bytes of the receive buffer that the call names. */
  readonly most?: number;
  /** Look at each packet with MSG_PEEK before it is received. */
  readonly peek?: boolean;
  /** Change every byte of the payload, in place. */
  readonly rewrite?: boolean;
  /** Send from another buffer than the packet was received into. */
  readonly copy?: boolean;
  /** Send nothing back. */
  readonly silent?: boolean;
}

/** The VNF's own stamps, one entry a packet: after the receive call, and before the send call. */
export interface Stamps {
  readonly tid: number;
  readonly recvNs: number[];
  readonly sendNs: number[];
  readonly seq: number[];
  readonly bytes: number[];
}

/** Threads of earlier exercisers: in an emulated kernel a new one takes a second. */
const idle: Worker[] = [];

function thread(): Worker {
  const worker = idle.pop() ?? new Worker(new URL("exerciser.worker.ts", import.meta.url).href);
  worker.ref();
  return worker;
}

export class Exerciser implements AsyncDisposable {
  readonly #worker = thread();
  readonly #left: number[] = [];
  #asked = 0;
  /** It holds packets that it will not send. */
  #holds = false;
  port = 0;
  fd = -1;

  /** Opens a socket at this address, on a free port. */
  static async open(host: string, receiveBuffer?: number): Promise<Exerciser> {
    const exerciser = new Exerciser();
    Object.assign(exerciser, await exerciser.#ask({ open: host, receiveBuffer }));
    return exerciser;
  }

  /** Another thread at the same socket. */
  async twin(): Promise<Exerciser> {
    const twin = new Exerciser();
    await twin.#ask({ share: this.fd });
    return twin;
  }

  /** Goes on with another socket; the one it had stays open. */
  async move(host: string): Promise<void> {
    this.#left.push(this.fd);
    Object.assign(this, await this.#ask({ open: host }));
  }

  /** Begins to mirror; the promise is for its end. */
  mirror(order: Order): Promise<Stamps> {
    this.#holds ||= order.silent ?? false;
    return this.#ask({ mirror: order });
  }

  /** Receives what is there, sends nothing. */
  drain(): Promise<number> {
    this.#holds = true;
    return this.#ask({ drain: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isBusy = this.#asked > 0;
    if (this.fd >= 0) await this.#ask({ close: true });
    for (const fd of this.#left) closeSocket(fd);
    if (isBusy || this.#holds) return this.#worker.terminate();
    this.#worker.unref();
    idle.push(this.#worker);
  }

  #ask<Answer>(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#asked++;
    this.#worker.onmessage = ({ data }) => {
      this.#asked--;
      if ("error" in data) reject(new Error(data.error));
      else resolve(data.answer);
    };
    this.#worker.onerror = (event) => reject(new Error(event.message));
    this.#worker.postMessage(request);
    return promise;
  }
}

/** Sends payloads and counts what comes back. */
export class Client implements Disposable {
  readonly #fd: number;
  readonly #memory = stableMemory(65_536);
  readonly port: number;

  constructor(readonly host: string) {
    const address = socketAddress(host, 0);
    this.#fd = udpSocket(address.family);
    setBuffer(this.#fd, "receive", 16 * 2 ** 20);
    setReceiveTimeout(this.#fd, 5e9);
    bindSocket(this.#fd, address);
    this.port = localPort(this.#fd);
  }

  /** `payload` gives each datagram its bytes. */
  send(port: number, count: number, payload: (i: number) => Uint8Array): void {
    const to = socketAddress(this.host, port).bytes;
    for (let i = 0; i < count; i++) {
      const bytes = payload(i);
      new Uint8Array(this.#memory.buffer).set(bytes);
      const { address } = this.#memory;
      if (libc.sendto(this.#fd, address, bytes.length, 0, to, to.length) < 0) {
        throw new Error(`sendto: ${errnoWhy(lastErrno())}`);
      }
    }
  }

  /** Waits for `count` datagrams. */
  receive(count: number): void {
    for (let i = 0; i < count; i++) {
      if (libc.recvfrom(this.#fd, this.#memory.address, 65_536, 0, null, null) < 0) {
        throw new Error(`${i} of ${count} came back: ${errnoWhy(lastErrno())}`);
      }
    }
  }

  [Symbol.dispose](): void {
    closeSocket(this.#fd);
  }
}

/** Payloads with a sequence number, 1…, as `komon load` makes them. */
export function numbered(bytes: number): (i: number) => Uint8Array {
  return (i) => {
    const payload = new Uint8Array(new ArrayBuffer(bytes)).fill(0x6b);
    if (bytes >= 8) new DataView(payload.buffer).setBigUint64(0, BigInt(i + 1), true);
    return payload;
  };
}

/** Payloads that are all the same. */
export function identical(bytes: number): () => Uint8Array {
  return () => new Uint8Array(bytes).fill(0xff);
}

/** The stamps of several threads as the rows of a truth file. */
export function truthOf(...threads: readonly Stamps[]): TruthRows {
  const all = <Key extends "recvNs" | "sendNs" | "seq" | "bytes">(key: Key) =>
    threads.flatMap((thread) => thread[key]);
  const length = all("seq").length;
  return {
    head: { pid: process.pid, workers: threads.length, seed: 0n, delayNs: 0, law: 0, port: 0 },
    length,
    seq: Float64Array.from(all("seq"), (seq) => (seq >= 0 && seq < 2 ** 53 ? seq : noSeq)),
    recvNs: Float64Array.from(all("recvNs")),
    sendNs: Float64Array.from(all("sendNs")),
    askedNs: new Float64Array(length),
    tid: Uint32Array.from(threads.flatMap(({ tid, seq }) => seq.map(() => tid))),
    payloadBytes: Uint32Array.from(all("bytes")),
    flags: new Uint32Array(length),
    interval: new Uint32Array(length),
  };
}
