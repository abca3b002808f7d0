/**
 * Quantiles of one connection's round-trip times. The kernel keeps 8 buckets an octave of microseconds: every
 * second bound of the full histogram, so that a connection costs 672 bytes.
 */
import { komonTcpLimit, komonTcpRtts } from "../../kernel/generated/tcp.ts";
import { bucketLower } from "../../stats/histogram.ts";
import type { RttSummary } from "./connection.ts";

/** The middle of a bucket, kept within what was seen; in nanoseconds. */
export function withinBucket(bucket: number, { minNs, maxNs }: RttSummary): number {
  const middle = ((bucketLower(2 * bucket) + bucketLower(2 * bucket + 2) - 1) / 2) * 1000;
  return Math.min(Math.max(middle, minNs), maxNs);
}

/** The bucket in which the `q`-th part (0…1) of the connection's times ends. */
export function quantileBucket(view: DataView, slot: number, samples: number, q: number): number {
  const rank = Math.max(1, Math.ceil(q * samples));
  let seen = 0;
  for (let bucket = 0; bucket < komonTcpLimit.KOMON_TCP_RTT_BUCKETS; bucket++) {
    seen += view.getUint32(slot * komonTcpRtts.size + bucket * 4, true);
    if (seen >= rank) return bucket;
  }
  return komonTcpLimit.KOMON_TCP_RTT_BUCKETS - 1;
}
