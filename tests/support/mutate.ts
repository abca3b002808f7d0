/** Frames that nobody should send: valid ones with a few bytes changed. The same seed gives the same frames. */
import {
  type Ends,
  ethernet,
  extension,
  extensions,
  type Fragment,
  fragmentHeader,
  frame4,
  frame6,
  ipv4,
  ipv6,
  numbered,
  tagged,
  udpPacket,
} from "./udpFrames.ts";

/** Mulberry32: whole numbers below `below`. */
export class Dice {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed | 0;
  }

  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }
}

/** One of each shape that the programs tell apart, and the sizes at which they decide. */
export function corpus(ends4: Ends, ends6: Ends): Uint8Array[] {
  const payloads = [0, 1, 7, 8, 31, 32, 33, 64, 65, 600].map((bytes) =>
    numbered(7, Math.max(8, bytes)).slice(0, bytes),
  );
  const whole = udpPacket(ends4, numbered(9, 600));
  const whole6 = udpPacket(ends6, numbered(9, 600));
  const parts: [number, number, Fragment][] = [
    [0, 304, { id: 77, offset: 0, more: true }],
    [304, 608, { id: 77, offset: 304, more: false }],
    [296, 608, { id: 77, offset: 296, more: false }], // overlaps
  ];
  const option = [0x94, 4, 0, 0];
  return [
    ...payloads.flatMap((payload) => [frame4(ends4, payload), frame6(ends6, payload)]),
    tagged(frame4(ends4, payloads[7]), 0),
    tagged(tagged(frame4(ends4, payloads[7]), 0), 5),
    ethernet(0x0800, ipv4(ends4, udpPacket(ends4, payloads[7]), undefined, option)),
    ethernet(0x0800, ipv4(ends4, udpPacket(ends4, payloads[7]), undefined, Array(40).fill(1))),
    ...parts.map(([from, to, part]) => ethernet(0x0800, ipv4(ends4, whole.slice(from, to), part))),
    ...parts.map(([from, to, part]) =>
      ethernet(0x86dd, ipv6(ends6, [...fragmentHeader(17, part), ...whole6.slice(from, to)], 44)),
    ),
    ...[8, 16, 64].map((bytes) => {
      const inner = [...extension(17, bytes), ...udpPacket(ends6, payloads[7])];
      return ethernet(0x86dd, ipv6(ends6, [...extension(60), ...inner], extensions.hopByHop));
    }),
  ];
}

const telling = [0, 1, 4, 5, 7, 8, 15, 16, 17, 20, 40, 44, 60, 64, 0x7f, 0x80, 0xff];

/**
 * Writes one frame into `memory` and returns its length: one of the corpus with up to four changes, most of them in
 * the headers. Most checksums are put right again, so that the changed packet gets further than the first look.
 */
export function mutate(from: Uint8Array, dice: Dice, memory: Uint8Array): number {
  memory.set(from);
  let length = from.length;
  for (let change = dice.roll(5); change > 0; change--) {
    const at = dice.roll(4) === 0 ? dice.roll(length) : 12 + dice.roll(Math.min(60, length - 12));
    switch (dice.roll(6)) {
      case 0:
        memory[at] ^= 1 << dice.roll(8);
        break;
      case 1:
        memory[at] = dice.roll(256);
        break;
      case 2:
      case 3:
        memory[at] = telling[dice.roll(telling.length)];
        break;
      case 4:
        length = 14 + dice.roll(length - 13);
        break;
      default:
        memory.fill(dice.roll(256), length, length + 64);
        length = Math.min(1500, length + dice.roll(64));
    }
  }
  if (dice.roll(4) > 0) mend(memory.subarray(0, length));
  return length;
}

/** Checksums of a plain IPv4 header and of UDP right behind an IP header. */
function mend(frame: Uint8Array): void {
  const type = frame[12] * 256 + frame[13];
  if (type === 0x0800 && frame.length >= 34) {
    const header = (frame[14] & 15) * 4;
    if (header < 20 || 14 + header > frame.length) return;
    put(frame, 24, 0);
    put(frame, 24, checksum(frame, 14, 14 + header, 0));
    if (frame[23] === 17 && 14 + header + 8 <= frame.length) put(frame, 14 + header + 6, 0);
  } else if (type === 0x86dd && frame.length >= 62 && frame[20] === 17) {
    const end = Math.min(frame.length, 54 + frame[58] * 256 + frame[59]);
    put(frame, 60, 0);
    const pseudo = 17 + frame[58] * 256 + frame[59];
    put(frame, 60, checksum(frame, 22, end, pseudo) || 0xffff); // the addresses lie right before the UDP header
  }
}

function put(frame: Uint8Array, at: number, value: number): void {
  frame[at] = value >> 8;
  frame[at + 1] = value & 255;
}

function checksum(frame: Uint8Array, from: number, to: number, start: number): number {
  let sum = start;
  for (let at = from; at < to; at += 2) sum += frame[at] * 256 + (at + 1 < to ? frame[at + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
