import type { Coverage } from "../../model/result.ts";
import type { Counters, InFlight } from "./memory.ts";

/** Where packets were lost to the ledger, by cause; the parts of {@link Coverage}, and what stands beside it. */
export interface CoverageDetail extends Coverage {
  /** `seen` minus all that it should be the sum of. 0 when nothing moved while it was read. */
  readonly unaccounted: number;
  /** Packets the kernel wrote a record for, or wanted to. */
  readonly sampled: number;
  readonly expired_by: {
    /** Freed by the stack before the VNF could read them: full socket buffer, bad checksum. */
    readonly stack: number;
    /** Read by the VNF and not sent within the expiry, or long overtaken. */
    readonly unsent: number;
    /** Never read within the expiry, or passed over by later packets of the socket. */
    readonly unread: number;
  };
  /** Of the expired ones, those that wait still: they are not, once they are read or sent. */
  readonly overdue: number;
  /** Reads of packets whose arrival was not seen: they came before the probe. */
  readonly unknown_reads: number;
  /** Sends of a packet that had been sent before. */
  readonly duplicate_sends: number;
  /** Sends of what the thread had not read. */
  readonly unmatched_sends: number;
  readonly matched_rewritten: number;
  readonly matched_by_order: number;
  /** Matched packets that had been read after one that was still unsent. */
  readonly overtook: number;
  /** Seen at rx and not at nic: reassembled, segmented, or sent on this host. */
  readonly no_nic: number;
  /** Matched packets that never came to a device. */
  readonly no_tx: number;
  /** Runs the kernel left out because a program was active on that CPU: packets may have been missed. */
  readonly recursion_misses: number;
}

/** Adds up the kernel's counters. `received`: records that user space has read. */
export function coverageOf(
  c: Counters,
  queued: InFlight,
  held: InFlight,
  received: number,
  recursionMisses: number,
): CoverageDetail {
  const stack = c.expiredStack;
  const unsent = c.expiredUnsent + held.old;
  const unread = c.expiredPassed + c.expiredClosed + queued.old;
  const expired = stack + unsent + unread;
  const collided = c.collidedRx + c.collidedRead;
  const filtered = c.filteredRx + c.filteredRead;
  const inFlight = queued.young + held.young;
  const lost = c.sampled - received;
  return {
    seen: c.seen,
    matched: c.matched,
    expired,
    collided,
    filtered,
    in_flight: inFlight,
    delivered: c.matched - lost,
    lost,
    unaccounted: c.seen - c.matched - expired - collided - filtered - inFlight,
    sampled: c.sampled,
    expired_by: { stack, unsent, unread },
    overdue: queued.old + held.old,
    unknown_reads: c.unknownReads,
    duplicate_sends: c.duplicateSends,
    unmatched_sends: c.unmatchedSends,
    matched_rewritten: c.matchedRewritten,
    matched_by_order: c.matchedByOrder,
    overtook: c.overtook,
    no_nic: c.noNic,
    no_tx: c.noTx,
    recursion_misses: recursionMisses,
  };
}
