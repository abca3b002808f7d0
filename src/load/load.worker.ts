/** The load thread: warms up, says that it is ready, waits for the go-ahead, sends, says what it did. */
import { KomonError } from "../base/errors.ts";
import { pinThread, setTimerSlack, threadId } from "../kernel/process.ts";
import { Arrivals } from "./arrivals.ts";
import { Control } from "./control.ts";
import { Generator } from "./generator.ts";
import type { LoadConfig, LoadMessage } from "./messages.ts";
import { Payload } from "./payload.ts";
import { warmUp } from "./warmup.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<LoadConfig>) => {
  try {
    setTimerSlack(1);
    warmUp(data);
    if (data.cpu !== undefined) pinThread(data.cpu); // after the JIT's threads have been started
    const control = new Control(data.control);
    const generator = new Generator({
      fds: data.fds,
      arrivals: new Arrivals(data.arrivals, data.pps, data.burst, data.seed),
      payload: new Payload(data.payloadBytes, data.identical),
      payloadBytes: data.payloadBytes,
      count: data.count,
      durationNs: data.durationNs,
      control,
    });
    say({ kind: "ready", tid: threadId() });
    control.waitForGo();
    generator.run();
    const { sent, refused, errors, lateness, latestNs } = generator;
    const { firstNs, lastNs, firstDueNs, lastDueNs, nextDueNs } = generator;
    const times = { firstNs, lastNs, firstDueNs, lastDueNs, nextDueNs };
    say({ kind: "done", counters: { sent, refused, errors, lateness, latestNs, ...times } });
  } catch (error) {
    say({ kind: "failed", error: partsOf(error) });
  }
};

/** Classes do not survive the way to another thread; the parts of the error do. */
function partsOf(error: unknown) {
  if (!(error instanceof KomonError)) return { what: "the load failed", why: String(error) };
  const { what, why, mend, exit } = error;
  return { what, exit, ...(why && { why }), ...(mend && { mend }) };
}

function say(message: LoadMessage): void {
  self.postMessage(message);
}
