import type { AnswerFrame } from "../../tests/support/echoFrames.ts";

/** What the flood consists of: answers that komon's probe takes for its own. */
export const floodAnswer: AnswerFrame = {
  ...{ version: 4, cookie: 0x6b6f_6d6f_6e21_2121n, sequence: 0, target: 3, payloadBytes: 56 },
};
export type Flood = "ours" | "first" | "foreign";

/** Probes in flight. "ours" comes round to the same ones, as duplicates; of "first" each is the first to its probe. */
export function floodSlots(whose: Flood): number {
  return whose === "first" ? 1 << 20 : 1 << 16;
}
