import { AF_INET, type SocketAddress } from "../kernel/address.ts";
import {
  lastErrno,
  libc,
  type MappedMemory,
  mapAnonymous,
  type Pointer,
  unmap,
} from "../kernel/libc.ts";
import { fold, headOffset, sumOf, swap16, swap32, template, type WireOptions } from "./wire.ts";

const most = 64;
const mmsghdrBytes = 64;
const iovecBytes = 16;
const addressBytes = 32; // a struct sockaddr_in6, aligned
const tcpProtocol = 6;

/** Where a batch's packets may go. */
export interface Destination {
  readonly address: SocketAddress;
  /** The local address of the way there, for TCP's checksum. */
  readonly source: Uint8Array | undefined;
}

/**
 * Up to 64 probes of one address family that leave with one system call. All memory is made once;
 * a probe only fills in its numbers and, for IPv4, its checksum.
 */
export class Batch implements Disposable {
  count = 0;
  readonly hosts = new Uint32Array(most);
  readonly sequences = new Uint32Array(most);
  readonly #fd: number;
  readonly #wire: WireOptions;
  readonly #isIpv4: boolean;
  readonly #memory: MappedMemory;
  readonly #view: DataView;
  readonly #messages: number;
  readonly #packets: number;
  readonly #packetStride: number;
  readonly #addresses: number;
  readonly #addressLengths: Uint8Array;
  readonly #head: number;
  readonly #baseSum: number;
  readonly #hostSums: Uint32Array;

  /** `destinations` by host number; those of the other family stay unused. */
  constructor(
    fd: number,
    family: SocketAddress["family"],
    wire: WireOptions,
    destinations: readonly Destination[],
  ) {
    this.#fd = fd;
    this.#wire = wire;
    this.#isIpv4 = family === AF_INET;
    const bytes = template(wire, family);
    this.#packetStride = (bytes.length + 15) & ~15;
    this.#messages = 0;
    const vectors = most * mmsghdrBytes;
    this.#packets = vectors + most * iovecBytes;
    this.#addresses = this.#packets + most * this.#packetStride;
    this.#memory = mapAnonymous(this.#addresses + destinations.length * addressBytes);
    this.#view = new DataView(this.#memory.buffer);
    const memory = new Uint8Array(this.#memory.buffer);
    for (let at = 0; at < most; at++) {
      const packet = this.#packets + at * this.#packetStride;
      memory.set(bytes, packet);
      const vector = vectors + at * iovecBytes;
      this.#pointer(vector, packet);
      this.#view.setUint32(vector + 8, bytes.length, true);
      const message = this.#messages + at * mmsghdrBytes;
      this.#pointer(message + 16, vector); // msg_iov
      this.#view.setUint32(message + 24, 1, true); // msg_iovlen
    }
    this.#addressLengths = new Uint8Array(destinations.length);
    this.#hostSums = new Uint32Array(destinations.length);
    for (const [host, { address, source }] of destinations.entries()) {
      if (address.family !== family) continue;
      memory.set(address.bytes, this.#addresses + host * addressBytes);
      // A raw socket for IPv6 takes the port for a protocol number; it must be 0.
      if (wire.kind !== "udp")
        memory.fill(
          0,
          this.#addresses + host * addressBytes + 2,
          this.#addresses + host * addressBytes + 4,
        );
      this.#addressLengths[host] = address.bytes.length;
      if (this.#isIpv4 && source) {
        this.#hostSums[host] = sumOf(source) + sumOf(address.bytes.subarray(4, 8));
      }
    }
    this.#head = (wire.kind === "icmp" ? 8 : 0) + headOffset(wire);
    // TCP's pseudo header: protocol and length, in network order
    const pseudo = wire.kind === "tcp" ? swap16(tcpProtocol) + swap16(bytes.length) : 0;
    this.#baseSum = fold(sumOf(bytes) + pseudo);
  }

  get isFull(): boolean {
    return this.count === most;
  }

  /** `number` is the probe's place among those of its host, 1…; tools show it as icmp_seq. */
  add(host: number, sequence: number, number: number): void {
    const at = this.count++;
    this.hosts[at] = host;
    this.sequences[at] = sequence;
    const message = this.#messages + at * mmsghdrBytes;
    this.#pointer(message, this.#addresses + host * addressBytes); // msg_name
    this.#view.setUint32(message + 8, this.#addressLengths[host], true);
    const packet = this.#packets + at * this.#packetStride;
    if (this.#wire.kind === "tcp") this.#fillTcp(packet, host, sequence);
    else this.#fillHead(packet, host, sequence, number);
  }

  #fillHead(packet: number, host: number, sequence: number, number: number): void {
    const view = this.#view;
    const head = packet + this.#head;
    view.setUint32(head + 8, sequence, true);
    view.setUint32(head + 12, host, true);
    const isIcmp = this.#wire.kind === "icmp";
    if (isIcmp) view.setUint16(packet + 6, number & 0xffff);
    else if (this.#wire.reflected) view.setUint32(packet, number & 0xffff_ffff); // STAMP's own
    if (!isIcmp || !this.#isIpv4) return; // the kernel does it
    const sum =
      this.#baseSum +
      swap16(number & 0xffff) +
      (sequence & 0xffff) +
      (sequence >>> 16) +
      (host & 0xffff) +
      (host >>> 16);
    view.setUint16(packet + 2, ~fold(sum) & 0xffff, true);
  }

  #fillTcp(packet: number, host: number, sequence: number): void {
    const isn = swap32((sequence + this.#wire.isnBase) >>> 0);
    this.#view.setUint32(packet + 4, isn, true);
    if (!this.#isIpv4) return;
    const sum = this.#baseSum + this.#hostSums[host] + (isn & 0xffff) + (isn >>> 16);
    this.#view.setUint16(packet + 16, ~fold(sum) & 0xffff, true);
  }

  /**
   * Sends all. Where the kernel refuses one, `refused(place, errno)` says whether to try it again;
   * the others are sent all the same.
   */
  flush(refused: (at: number, errno: number) => boolean): void {
    let at = 0;
    while (at < this.count) {
      const from = (Number(this.#memory.address) + this.#messages + at * mmsghdrBytes) as Pointer;
      const sent = libc.sendmmsg(this.#fd, from, this.count - at, 0);
      if (sent > 0) at += sent;
      else if (!refused(at, lastErrno())) at++;
    }
    this.count = 0;
  }

  /** The 64-bit address of a place in our own memory. */
  #pointer(where: number, to: number): void {
    const address = Number(this.#memory.address) + to;
    this.#view.setUint32(where, address % 0x1_0000_0000, true);
    this.#view.setUint32(where + 4, Math.floor(address / 0x1_0000_0000), true);
  }

  [Symbol.dispose](): void {
    unmap(this.#memory);
  }
}
