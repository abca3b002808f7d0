/**
 * How much delay varies from packet to packet, RFC 3550 (6.4.1, A.8): the estimate after one more packet, whose delay
 * differs by `differenceNs` from that of the one before. It moves by 1/16 of each step away from it.
 */
export function jitterStep(jitterNs: number, differenceNs: number): number {
  return jitterNs + (Math.abs(differenceNs) - jitterNs) / 16;
}
