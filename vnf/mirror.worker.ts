/** A mirror thread: warms up, says that it is ready, serves until told to stop, says what it did. */
import { KomonError } from "../src/base/errors.ts";
import { stableMemory } from "../src/kernel/libc.ts";
import { pinThread, setNice, threadId } from "../src/kernel/process.ts";
import { Control } from "./control.ts";
import { Faults } from "./faults.ts";
import type { MirrorConfig, MirrorMessage } from "./messages.ts";
import { Mirror, type MirrorParts } from "./mirror.ts";
import { ServiceTimes } from "./service.ts";
import { warmUp } from "./warmup.ts";

declare const self: Worker;

/** While warming up no packet takes longer than this, whatever the delay. */
const WARM_DELAY_NS = 200;

self.onmessage = ({ data }: MessageEvent<MirrorConfig>) => {
  const target = stableMemory(64);
  if (data.target) new Uint8Array(target.buffer).set(data.target);
  const partsWith = (delayNs: number, sleepMs: number): MirrorParts => ({
    receiveFd: data.receiveFd,
    sendFd: data.sendFd,
    echo: data.echo,
    target: data.target ? target.address : (0 as typeof target.address),
    addressBytes: data.addressBytes,
    service: new ServiceTimes(data.law, delayNs, data.serviceSeed),
    faults: new Faults(data.faults, data.faultSeed),
    rewrite: data.rewrite,
    wait: data.wait,
    sleepMs,
    keepAll: data.keepAll,
    control: new Control(data.control),
    tid: threadId(),
  });
  const mirror = new Mirror(partsWith(data.delayNs, -1));
  try {
    warmUp(partsWith(Math.min(data.delayNs, WARM_DELAY_NS), 0), (parts) => new Mirror(parts));
    // After the warm-up: the JIT's own threads, started by then, must not be pinned with this one.
    if (data.cpu !== undefined) pinThread(data.cpu);
    if (data.nice !== undefined) setNice(data.nice);
    say({ kind: "ready", tid: threadId() });
    mirror.run(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY);
    mirror.finish();
    say(done(mirror));
  } catch (error) {
    say(done(mirror, error));
  }
};

function done(mirror: Mirror, error?: unknown): MirrorMessage {
  const { received, sent, sentBytes, dropped, heldBack, sentTwice, rewritten, failed } = mirror;
  return {
    kind: "done",
    counters: { received, sent, sentBytes, dropped, heldBack, sentTwice, rewritten, failed },
    errors: mirror.errors,
    chunks: mirror.rows.chunks(),
    error: error === undefined ? undefined : partsOf(error),
  };
}

/** Classes do not survive the way to another thread; the parts of the error do. */
function partsOf(error: unknown) {
  if (!(error instanceof KomonError)) return { what: "the VNF failed", why: String(error) };
  const { what, why, mend, exit } = error;
  return { what, exit, ...(why && { why }), ...(mend && { mend }) };
}

function say(message: MirrorMessage): void {
  self.postMessage(message);
}
