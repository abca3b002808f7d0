import type { AnswerFrame } from "../../tests/support/echoFrames.ts";

/** What the flood consists of: answers that komon's probe takes for its own. */
export const floodAnswer: AnswerFrame = {
  ...{ version: 4, cookie: 0x6b6f_6d6f_6e21_2121n, sequence: 0, target: 3, payloadBytes: 56 },
};
export const floodSlots = 1 << 16;
