/** Addresses as the probe keeps them: 16 bytes, IPv4 written ::ffff:a.b.c.d. */
import { AF_INET, socketAddress } from "../../kernel/address.ts";

/** `10.0.0.2`, `fe80::1`: without the mapping, and IPv6 as RFC 5952 writes it. */
export function addressText(bytes: Uint8Array): string {
  if (isMapped(bytes)) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  const zeros = longestZeros(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (!zeros) return hex(groups);
  return `${hex(groups.slice(0, zeros.from))}::${hex(groups.slice(zeros.to))}`;
}

/** Reads `10.0.0.2` or `::1`. Fails with a usage error for anything else. */
export function addressBytes(text: string): Uint8Array {
  const { family, bytes } = socketAddress(text, 0);
  const mapped = new Uint8Array(16);
  if (family === AF_INET) {
    mapped.set([0xff, 0xff], 10);
    mapped.set(bytes.subarray(4, 8), 12);
  } else mapped.set(bytes.subarray(8, 24));
  return mapped;
}

function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  );
}

/** The longest run of two or more zero groups, the first of equals. */
function longestZeros(groups: readonly number[]): { from: number; to: number } | undefined {
  let best: { from: number; to: number } | undefined;
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (to < groups.length && groups[to] === 0) to++;
    if (to - from >= 2 && to - from > (best ? best.to - best.from : 0)) best = { from, to };
    if (to > from) from = to;
  }
  return best;
}
