/** Frames of one run of komon probe, and what its programs should make of them, told from the bytes alone. */
import { expect } from "bun:test";
import { ActiveProbe, type ProbeKind } from "../../src/probes/active/probe.ts";
import type { ProbeCounters } from "../../src/probes/active/slots.ts";
import { type AnswerFrame, echoReply, ethernetBytes, ipBytes } from "./echoFrames.ts";

/** How many frames the random tests draw, and by which seed. */
export const frames = Number(process.env.KOMON_TEST_FRAMES ?? 1e6);
/** A test of so many has this long. */
export const framesMs = 120_000 * Math.max(1, frames / 1e6);
export const seed = Number(process.env.KOMON_TEST_SEED ?? Date.now() % 1e6);

export const cookie = 0x0123_4567_89ab_cdefn;
export const payloadBytes = 56;
export const slots = 4096;
export const localPort = 40_000;
export const remotePort = 862;
export const isnBase = 0xffff_fff0;

/** What the programs return. */
export const verdicts = {
  xdp: { pass: 2, drop: 1 },
  rx_tc: { pass: 0xffff_ffff, drop: 2 },
} as const;

export function open(kind: ProbeKind = "icmp", drop = true): ActiveProbe {
  const bytes = kind === "tcp" ? 16 : payloadBytes;
  return ActiveProbe.open({
    ...{ kind, cookie, slots, drop, hooks: "auto", bytes4: 28 + bytes, bytes6: 48 + bytes },
    ...(kind !== "icmp" && { localPort, remotePort, isnBase }),
  });
}

export const answer = (changes: Partial<AnswerFrame> = {}): AnswerFrame => ({
  ...{ version: 4, cookie, sequence: 7, target: 3, payloadBytes },
  ...changes,
});

/** An answer from the remote port to the local one: the datagram itself, or a RST. */
export function portAnswer(
  frame: Uint8Array,
  kind: "udp" | "tcp",
  changes: Partial<AnswerFrame>,
): number {
  const { version, sequence } = answer(changes);
  const bytes = echoReply(frame, answer(changes));
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  const l4 = ethernetBytes + ipBytes(version);
  frame[version === 4 ? 23 : 20] = protocols[kind];
  view.setUint16(l4, remotePort);
  view.setUint16(l4 + 2, localPort);
  if (kind === "udp") return bytes;
  view.setUint32(l4 + 8, (sequence + isnBase + 1) >>> 0); // what the far end acknowledges
  frame[l4 + 12] = 5 << 4;
  frame[l4 + 13] = 0x14; // RST, ACK
  return l4 + 20;
}

/** The probe itself, as it leaves. */
export function probeFrame(
  frame: Uint8Array,
  kind: ProbeKind,
  changes: Partial<AnswerFrame>,
): number {
  const { version, sequence } = answer(changes);
  const l4 = ethernetBytes + ipBytes(version);
  if (kind === "icmp") {
    const bytes = echoReply(frame, answer(changes));
    frame[l4] = version === 4 ? 8 : 128;
    return bytes;
  }
  const bytes = portAnswer(frame, kind, changes);
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  view.setUint16(l4, localPort);
  view.setUint16(l4 + 2, remotePort);
  if (kind === "tcp") {
    view.setUint32(l4 + 4, (sequence + isnBase) >>> 0);
    frame[l4 + 13] = 0x02; // SYN
  }
  return bytes;
}

const protocols = { tcp: 6, udp: 17 } as const;

interface Layer4 {
  readonly version: 4 | 6;
  readonly protocol: number;
  /** Where its header begins. */
  readonly at: number;
  readonly isFragment: boolean;
  /** From the IP header on, as the header says. */
  readonly total: number;
}

/** What lies behind the IP header; undefined for what the programs need not look at. */
function layer4(frame: Uint8Array, bytes: number): Layer4 | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  if (bytes < ethernetBytes + 20) return undefined;
  const type = view.getUint16(12);
  const version = type === 0x0800 ? 4 : type === 0x86dd ? 6 : 0;
  if (version === 0 || bytes < ethernetBytes + ipBytes(version)) return undefined;
  if (frame[14] >> 4 !== version) return undefined;
  const protocol = frame[version === 4 ? 23 : 20];
  const total = version === 4 ? view.getUint16(16) : 40 + view.getUint16(18);
  if (version === 4) {
    if ((view.getUint16(20) & 0x1fff) !== 0) return undefined;
    const at = ethernetBytes + (frame[14] & 15) * 4;
    return { version, protocol, at, isFragment: (frame[20] & 0x20) !== 0, total };
  }
  const at = ethernetBytes + 40;
  if (protocol !== 44) return { version, protocol, at, isFragment: false, total };
  if (bytes < at + 8 || (view.getUint16(at + 2) & 0xfff8) !== 0) return undefined;
  return { version, protocol: frame[at], at: at + 8, isFragment: true, total };
}

/** An echo reply to host 3's probe. An answer is as long as its probe; a link header is 32 bytes at most. */
export function isAnswer(frame: Uint8Array, bytes: number, armed: ReadonlySet<number>): boolean {
  const found = layer4(frame, bytes);
  if (!found || bytes > 32 + 48 + payloadBytes) return false;
  const { version, protocol, at, isFragment, total } = found;
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  if (protocol !== (version === 4 ? 1 : 58)) return false;
  if (bytes < at + 24 || frame[at] !== (version === 4 ? 0 : 129) || frame[at + 1] !== 0)
    return false;
  if (view.getBigUint64(at + 8, true) !== cookie) return false;
  if (!isFragment && total < ipBytes(version) + 8 + payloadBytes) return false;
  if (view.getUint32(at + 20, true) !== 3) return false;
  return armed.has(view.getUint32(at + 16, true));
}

/** A probe that leaves. */
export function isProbe(
  frame: Uint8Array,
  bytes: number,
  kind: ProbeKind,
  armed: ReadonlySet<number>,
): boolean {
  const found = layer4(frame, bytes);
  if (!found || bytes < found.at + 8) return false;
  const { version, protocol, at } = found;
  const view = new DataView(frame.buffer, frame.byteOffset, bytes);
  if (kind === "icmp") {
    if (protocol !== (version === 4 ? 1 : 58) || frame[at] !== (version === 4 ? 8 : 128))
      return false;
  } else {
    if (protocol !== protocols[kind]) return false;
    if (view.getUint16(at) !== localPort || view.getUint16(at + 2) !== remotePort) return false;
  }
  if (kind === "tcp") return armed.has((view.getUint32(at + 4) - isnBase) >>> 0);
  if (bytes < at + 24 || view.getBigUint64(at + 8, true) !== cookie) return false;
  return armed.has(view.getUint32(at + 16, true));
}

/** Every packet is counted once, and every one of ours dropped or passed. */
export function expectBalance(c: ProbeCounters): void {
  expect(c.foreign + c.matched + c.copies + c.stale + c.forged + c.truncated).toBe(c.seen);
  expect(c.dropped + c.passed).toBe(c.matched + c.copies + c.stale);
}
