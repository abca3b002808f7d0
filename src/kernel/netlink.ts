/** Questions to the kernel's routing and devices (rtnetlink), answered in the network namespace of the caller. */
import { KomonError } from "../base/errors.ts";
import { lastErrno, libc } from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSGERR_ATTR_MSG = 1;
const headerBytes = 16;
const nested = 0x8000;

/** One attribute: its number and its bytes, or the attributes inside. */
export type Attribute = readonly [type: number, value: Uint8Array | readonly Attribute[]];

/** What the kernel refused, with the sentence it may have given. */
export class NetlinkError extends Error {
  constructor(
    readonly errno: number,
    readonly said: string,
  ) {
    super(said || `errno ${errno}`);
  }
}

export class Netlink implements Disposable {
  readonly #fd: number;
  readonly #reply = new Uint8Array(new ArrayBuffer(1 << 16));
  #serial = 0;

  constructor() {
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (this.#fd < 0) throw new KomonError({ what: "cannot open a netlink socket" });
    const on = new Int32Array([1]);
    libc.setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, 4);
  }

  /**
   * One question with one answer: gives the answer's body, empty when the kernel merely agrees.
   * Fails with {@link NetlinkError}.
   */
  ask(type: number, body: Uint8Array, attributes: readonly Attribute[], ack = false): Uint8Array {
    const payload = Buffer.concat([body, encode(attributes)]);
    const request = new Uint8Array(new ArrayBuffer(headerBytes + payload.length));
    const view = new DataView(request.buffer);
    view.setUint32(0, request.length, true);
    view.setUint16(4, type, true);
    view.setUint16(6, NLM_F_REQUEST | (ack ? NLM_F_ACK : 0), true);
    view.setUint32(8, ++this.#serial, true);
    request.set(payload, headerBytes);
    if (libc.sendto(this.#fd, request, request.length, 0, null, 0) < 0) {
      throw new NetlinkError(lastErrno(), "");
    }
    for (;;) {
      const bytes = libc.recvfrom(this.#fd, this.#reply, this.#reply.length, 0, null, null);
      if (bytes < headerBytes) throw new NetlinkError(lastErrno(), "");
      const reply = new DataView(this.#reply.buffer, 0, bytes);
      if (reply.getUint32(8, true) !== this.#serial) continue;
      const length = reply.getUint32(0, true);
      if (reply.getUint16(4, true) !== NLMSG_ERROR) return this.#reply.slice(headerBytes, length);
      const errno = -reply.getInt32(headerBytes, true);
      if (errno === 0) return new Uint8Array();
      throw new NetlinkError(errno, extendedMessage(this.#reply.subarray(0, length)));
    }
  }

  [Symbol.dispose](): void {
    libc.close(this.#fd);
  }
}

/** The attributes of a body, after its fixed part. */
export function attributesOf(body: Uint8Array, from: number): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  for (let at = from; at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4) break;
    found.set(view.getUint16(at + 2, true) & 0x3fff, body.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

export function readU32(bytes: Uint8Array | undefined): number | undefined {
  if (!bytes || bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** A text that ends with a NUL. */
export function readText(bytes: Uint8Array | undefined): string {
  const text = new TextDecoder().decode(bytes ?? new Uint8Array());
  return text.replace(/\0[\s\S]*$/, "");
}

function encode(attributes: readonly Attribute[]): Uint8Array {
  const parts = attributes.map(([type, value]) => {
    const inner = value instanceof Uint8Array ? value : encode(value);
    const whole = new Uint8Array((4 + inner.length + 3) & ~3);
    const view = new DataView(whole.buffer);
    view.setUint16(0, 4 + inner.length, true);
    view.setUint16(2, value instanceof Uint8Array ? type : type | nested, true);
    whole.set(inner, 4);
    return whole;
  });
  return Buffer.concat(parts);
}

/** include/uapi/linux/netlink.h, struct nlmsgerr: the request comes back before the attributes, unless capped. */
function extendedMessage(message: Uint8Array): string {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const flags = view.getUint16(6, true);
  if (!(flags & NLM_F_ACK_TLVS)) return "";
  const request = flags & NLM_F_CAPPED ? headerBytes : view.getUint32(headerBytes + 4, true);
  const attributes = attributesOf(message, headerBytes + 4 + ((request + 3) & ~3));
  return readText(attributes.get(NLMSGERR_ATTR_MSG));
}
