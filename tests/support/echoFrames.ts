/** Ethernet frames with answers to probes, built from what they should say. */

export interface AnswerFrame {
  readonly version: 4 | 6;
  readonly cookie: bigint;
  readonly sequence: number;
  readonly target: number;
  readonly payloadBytes: number;
}

export const ethernetBytes = 14;
export const icmpBytes = 8;

export function ipBytes(version: 4 | 6): number {
  return version === 4 ? 20 : 40;
}

/** Where the 16 bytes of cookie, sequence and target lie. */
export function headAt(version: 4 | 6): number {
  return ethernetBytes + ipBytes(version) + icmpBytes;
}

/** An echo reply; writes to `frame` and returns its length. */
export function echoReply(frame: Uint8Array, answer: AnswerFrame): number {
  const { version, payloadBytes } = answer;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const total = ipBytes(version) + icmpBytes + payloadBytes;
  frame.fill(0, 0, ethernetBytes + total);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], 0);
  view.setUint16(12, version === 4 ? 0x0800 : 0x86dd);
  if (version === 4) {
    frame[14] = 0x45;
    view.setUint16(16, total);
    frame[22] = 64;
    frame[23] = 1;
    frame.set([10, 0, 0, 2, 10, 0, 0, 1], 26);
    frame[34] = 0;
  } else {
    frame[14] = 0x60;
    view.setUint16(18, total - 40);
    frame[20] = 58;
    frame[21] = 64;
    frame[22 + 15] = 2;
    frame[38 + 15] = 1;
    frame[54] = 129;
  }
  const head = headAt(version);
  view.setBigUint64(head, answer.cookie, true);
  view.setUint32(head + 8, answer.sequence, true);
  view.setUint32(head + 12, answer.target, true);
  return ethernetBytes + total;
}
