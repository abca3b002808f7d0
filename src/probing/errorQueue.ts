import { AF_INET, type SocketAddress } from "../kernel/address.ts";
import { libc, type MappedMemory, mapAnonymous, type Pointer, unmap } from "../kernel/libc.ts";
import { icmpMeaning } from "./meanings.ts";

const MSG_ERRQUEUE = 0x2000;
const MSG_DONTWAIT = 0x40;
const SO_EE_ORIGIN_LOCAL = 1;
const nameAt = 64;
const vectorAt = 128;
const controlAt = 192;
const controlBytes = 512;
const dataAt = 1024;
const dataBytes = 2048;

/** An error about something we sent. Reused from one to the next. */
export interface SendError {
  /** The quoted packet, from its ICMP, UDP or TCP header on. */
  readonly quoted: DataView;
  quotedBytes: number;
  /** Where the packet was to go, as in a sockaddr: 4 or 16 bytes. */
  destination: string;
  meaning: string;
  /** Who says so; empty when it is this host. */
  from: string;
}

/** ICMP errors that the kernel keeps for a socket (IP_RECVERR), with the packet that they are about. */
export class ErrorQueue implements Disposable {
  readonly #fd: number;
  readonly #isIpv4: boolean;
  readonly #memory: MappedMemory;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #error: SendError;

  constructor(fd: number, family: SocketAddress["family"]) {
    this.#fd = fd;
    this.#isIpv4 = family === AF_INET;
    this.#memory = mapAnonymous(dataAt + dataBytes);
    this.#view = new DataView(this.#memory.buffer);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    const pointer = (where: number, to: number) =>
      this.#view.setBigUint64(where, BigInt(this.#memory.address) + BigInt(to), true);
    pointer(0, nameAt);
    pointer(16, vectorAt);
    this.#view.setUint32(24, 1, true);
    pointer(32, controlAt);
    pointer(vectorAt, dataAt);
    this.#view.setUint32(vectorAt + 8, dataBytes, true);
    const quoted = new DataView(this.#memory.buffer, dataAt, dataBytes);
    this.#error = { quoted, quotedBytes: 0, destination: "", meaning: "", from: "" };
  }

  /** Takes all that wait. One system call more than there are errors. */
  drain(take: (error: SendError) => void): void {
    for (;;) {
      this.#view.setUint32(8, 28, true); // msg_namelen
      this.#view.setUint32(40, controlBytes, true); // msg_controllen
      this.#view.setUint32(48, 0, true); // msg_flags
      const address = this.#memory.address as Pointer;
      const bytes = libc.recvmsg(this.#fd, address, MSG_ERRQUEUE | MSG_DONTWAIT);
      if (bytes < 0) return;
      if (this.#decode(bytes)) take(this.#error);
    }
  }

  #decode(bytes: number): boolean {
    const error = this.#error;
    error.quotedBytes = bytes;
    error.destination = this.#isIpv4 ? this.#address(nameAt + 4, 4) : this.#address(nameAt + 8, 16);
    const controlEnd = controlAt + this.#view.getUint32(40, true);
    for (let at = controlAt; at + 16 <= controlEnd; ) {
      const length = this.#view.getUint32(at, true);
      const level = this.#view.getUint32(at + 8, true);
      const type = this.#view.getUint32(at + 12, true);
      const isError = this.#isIpv4 ? level === 0 && type === 11 : level === 41 && type === 25;
      if (isError) {
        return this.#explain(at + 16);
      }
      if (length < 16) return false;
      at += (length + 7) & ~7;
    }
    return false;
  }

  /** struct sock_extended_err, then who sent the error. False for our own kernel's: the send says it, too. */
  #explain(at: number): boolean {
    const view = this.#view;
    const origin = view.getUint8(at + 4);
    const version = this.#isIpv4 ? 4 : 6;
    if (origin === SO_EE_ORIGIN_LOCAL) return false;
    this.#error.meaning = icmpMeaning(version, view.getUint8(at + 5), view.getUint8(at + 6));
    const offender = at + 16;
    this.#error.from = this.#isIpv4
      ? this.#address(offender + 4, 4)
      : this.#address(offender + 8, 16);
    return true;
  }

  #address(at: number, bytes: 4 | 16): string {
    return addressText(this.#bytes.subarray(at, at + bytes));
  }

  [Symbol.dispose](): void {
    unmap(this.#memory);
  }
}

/** 4 or 16 bytes as people write them. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const words = Array.from({ length: 8 }, (_, at) => view.getUint16(at * 2).toString(16));
  const text = words.join(":");
  const zeros = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort(
    (a, b) => b[0].length - a[0].length,
  )[0];
  if (!zeros) return text;
  const before = text.slice(0, zeros.index).replace(/:$/, "");
  return `${before}::${text.slice(zeros.index + zeros[0].length).replace(/^:/, "")}`;
}
