/** Bits in the `flags` column of {@link TruthRows}. */
export const TruthFlag = {
  dropped: 1,
  heldBack: 2,
  sentTwice: 4,
  rewritten: 8,
  sendFailed: 16,
} as const;

/** What the example VNF says of itself at the head of its truth file. */
export interface TruthHead {
  readonly pid: number;
  readonly workers: number;
  readonly seed: bigint;
  readonly delayNs: number;
  readonly law: number;
  readonly port: number;
}

/**
 * The ground truth: what the example VNF stamped itself, one row per packet it received.
 * Times are nanoseconds of CLOCK_MONOTONIC.
 */
export interface TruthRows {
  readonly head: TruthHead;
  readonly length: number;
  /** Sequence number in the payload; -1 when it carries none. */
  readonly seq: Float64Array;
  /** Right after the receive call returned. */
  readonly recvNs: Float64Array;
  /** Right before the send call; 0 when the packet was never sent. */
  readonly sendNs: Float64Array;
  /** The service time that was drawn. */
  readonly askedNs: Float64Array;
  readonly tid: Uint32Array;
  readonly payloadBytes: Uint32Array;
  /** {@link TruthFlag} bits. */
  readonly flags: Uint32Array;
  /** The SIGUSR1 interval the packet was sampled in; 0 = none. */
  readonly interval: Uint32Array;
}
