/**
 * How much delay varies from packet to packet.
 * RFC 3550 (6.4.1, A.8): a running estimate, moved by 1/16 of each step away from it.
 * RFC 3393 (IPDV): the difference of the delays of two consecutive packets, both of which arrived.
 */

/** The RFC 3550 estimate after one more packet, whose delay differs by `differenceNs` from that of the one before. */
export function jitterStep(jitterNs: number, differenceNs: number): number {
  return jitterNs + (Math.abs(differenceNs) - jitterNs) / 16;
}

/** The RFC 3550 jitter of delays in order of arrival; NaN for fewer than two. */
export function jitterOf(delaysNs: ArrayLike<number>): number {
  if (delaysNs.length < 2) return Number.NaN;
  let jitter = 0;
  for (let at = 1; at < delaysNs.length; at++) {
    jitter = jitterStep(jitter, delaysNs[at] - delaysNs[at - 1]);
  }
  return jitter;
}

export interface Ipdv {
  /** Pairs of consecutive packets that both arrived. */
  readonly pairs: number;
  /** Of the amounts. */
  readonly meanNs: number;
  readonly maxNs: number;
}

/** IPDV of delays by packet number, NaN for a packet that was lost: pairs with a gap do not count. */
export function ipdvOf(delaysNs: ArrayLike<number>): Ipdv {
  let pairs = 0;
  let sum = 0;
  let max = 0;
  for (let at = 1; at < delaysNs.length; at++) {
    const difference = Math.abs(delaysNs[at] - delaysNs[at - 1]);
    if (Number.isNaN(difference)) continue;
    pairs++;
    sum += difference;
    if (difference > max) max = difference;
  }
  return pairs === 0
    ? { pairs, meanNs: Number.NaN, maxNs: Number.NaN }
    : { pairs, meanNs: sum / pairs, maxNs: max };
}
