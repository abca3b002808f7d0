/** Ethernet frames with UDP in them, well formed and not, as bytes. */

export interface Ends {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
}

export const macs = { vnf: "02:77:00:00:00:01", wire: "02:77:00:00:00:02" } as const;

const udp = 17;

function bytesOf(address: string): number[] {
  if (/^(..:){5}..$/.test(address))
    return address.split(":").map((part) => Number.parseInt(part, 16));
  if (!address.includes(":")) return address.split(".").map(Number);
  const [head, tail] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = Array(8 - head.length - (tail?.length ?? 0)).fill("0");
  return [...head, ...zeros, ...(tail ?? [])].flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 255];
  });
}

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value)];

/** The Internet checksum (RFC 1071). */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at] * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** Header and payload; `wrong`: a checksum that is not true. */
export function udpPacket(ends: Ends, payload: Uint8Array, wrong = false): number[] {
  const length = 8 + payload.length;
  const pseudo = [...bytesOf(ends.from), ...bytesOf(ends.to), ...u32(length), 0, 0, 0, udp];
  const head = [...u16(ends.fromPort), ...u16(ends.toPort), ...u16(length)];
  const sum = checksum([...pseudo, ...head, 0, 0, ...payload]) || 0xffff;
  return [...head, ...u16(wrong ? sum ^ 0x1234 : sum), ...payload];
}

export interface Fragment {
  readonly id: number;
  /** Bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
}

export function ethernet(
  type: number,
  packet: readonly number[],
  to: string = macs.vnf,
): Uint8Array {
  return Uint8Array.from([...bytesOf(to), ...bytesOf(macs.wire), ...u16(type), ...packet]);
}

export function ipv4(
  ends: Ends,
  content: readonly number[],
  fragment?: Fragment,
  options: readonly number[] = [],
): number[] {
  const flags = fragment ? (fragment.offset >> 3) | (fragment.more ? 0x2000 : 0) : 0x4000;
  const head = [
    ...[0x45 + options.length / 4, 0, ...u16(20 + options.length + content.length)],
    ...[...u16(fragment?.id ?? 0), ...u16(flags), 64, udp, 0, 0],
    ...[...bytesOf(ends.from), ...bytesOf(ends.to), ...options],
  ];
  const sum = checksum(head);
  return [...head.slice(0, 10), ...u16(sum), ...head.slice(12), ...content];
}

/** `next`: the protocol of the first header in `content`, when it is not UDP. */
export function ipv6(ends: Ends, content: readonly number[], next = udp): number[] {
  return [
    ...[0x60, 0, 0, 0, ...u16(content.length), next, 64],
    ...[...bytesOf(ends.from), ...bytesOf(ends.to), ...content],
  ];
}

/** Extension headers by their protocol number. */
export const extensions = { hopByHop: 0, destination: 60 } as const;

/** With one option that nobody knows and everybody skips (RFC 8200, section 4.2). */
export function extension(next: number, bytes = 8): number[] {
  const rest = bytes - 4;
  return [next, bytes / 8 - 1, 0x1e, rest, ...Array(rest).fill(0)];
}

/** The fragment header of IPv6 (RFC 8200, section 4.5). */
export function fragmentHeader(next: number, { id, offset, more }: Fragment): number[] {
  return [next, 0, ...u16(offset | (more ? 1 : 0)), ...u32(id)];
}

export function frame4(ends: Ends, payload: Uint8Array): Uint8Array {
  return ethernet(0x0800, ipv4(ends, udpPacket(ends, payload)));
}

export function frame6(ends: Ends, payload: Uint8Array): Uint8Array {
  return ethernet(0x86dd, ipv6(ends, udpPacket(ends, payload)));
}

/** A tag of IEEE 802.1Q put into a frame. */
export function tagged(frame: Uint8Array, vlan: number): Uint8Array {
  return Uint8Array.from([...frame.slice(0, 12), ...u16(0x8100), ...u16(vlan), ...frame.slice(12)]);
}

/** A payload that begins with a sequence number, as that of `komon load`. */
export function numbered(sequence: number, bytes = 64): Uint8Array {
  const payload = new Uint8Array(bytes).fill(0x6b);
  new DataView(payload.buffer).setBigUint64(0, BigInt(sequence), true);
  return payload;
}
