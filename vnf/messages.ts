/** What the main thread and a mirror thread say to each other. */
import type { ErrorParts } from "../src/base/errors.ts";
import type { Law } from "../src/model/laws.ts";
import type { Wait } from "../src/model/wait.ts";
import type { FaultChances } from "./faults.ts";
import type { RowChunk } from "./rows.ts";

/** The start of a mirror thread. */
export interface MirrorConfig {
  readonly receiveFd: number;
  readonly sendFd: number;
  readonly echo: boolean;
  /** `struct sockaddr` to send to on a socket that is not connected. */
  readonly target?: Uint8Array | undefined;
  /** Size of the addresses of the socket's family. */
  readonly addressBytes: number;
  readonly law: Law;
  readonly delayNs: number;
  readonly serviceSeed: number;
  readonly faultSeed: number;
  readonly faults: FaultChances;
  readonly rewrite: boolean;
  readonly wait: Wait;
  readonly keepAll: boolean;
  readonly control: SharedArrayBuffer;
  readonly cpu?: number | undefined;
  readonly nice?: number | undefined;
}

export interface MirrorCounters {
  readonly received: number;
  readonly sent: number;
  readonly sentBytes: number;
  readonly dropped: number;
  readonly heldBack: number;
  readonly sentTwice: number;
  readonly rewritten: number;
  readonly failed: number;
}

export type MirrorMessage =
  | { readonly kind: "ready"; readonly tid: number }
  | {
      readonly kind: "done";
      readonly counters: MirrorCounters;
      /** Failed send calls by errno. */
      readonly errors: Uint32Array;
      readonly chunks: readonly RowChunk[];
      /** Why it ended before it was asked to. */
      readonly error?: ErrorParts | undefined;
    };
