import type { Point } from "./points.ts";

/** A time between two points, in nanoseconds. */
export interface SpanDefinition {
  readonly from: Point;
  readonly to: Point;
  readonly sentence: string;
}

/**
 * The times komon reports, each the difference of two points in nanoseconds.
 * `queue + service = sojourn` holds for every packet to the nanosecond.
 */
export const spans = {
  service: { from: "read", to: "send", sentence: "the VNF's own work" },
  queue: { from: "rx", to: "read", sentence: "waiting in the socket queue, and the wake-up" },
  sojourn: { from: "rx", to: "send", sentence: "from UDP's receipt to the VNF's send call" },
  egress: { from: "send", to: "tx", sentence: "the way down the stack" },
  total: { from: "nic", to: "tx", sentence: "residence in the host" },
} as const satisfies Record<string, SpanDefinition>;

export type Span = keyof typeof spans;

/** All spans in the order in which they are reported. */
export const spanNames = Object.keys(spans) as readonly Span[];
