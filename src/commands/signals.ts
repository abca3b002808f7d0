/** Signals end a command the ordinary way: the first asks it to stop, the second ends at once. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { onStdoutClosed } from "../base/output.ts";

export interface Stop extends Disposable {
  /** Aborted by SIGINT, SIGTERM, SIGHUP, or when stdout's reader has gone; its reason says which. */
  readonly signal: AbortSignal;
}

let patient = false;

/**
 * From now on a second signal changes nothing. For a komon that another komon started: a signal to all
 * processes reaches both, the parent then tells its child to stop, and the kernel may tell the parent's
 * death more than once (for each of its threads that the child is handed on to).
 */
export function stopOnce(): void {
  patient = true;
}

export function watchStop(): Stop {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted && !patient) process.exit(130);
    controller.abort(name);
  };
  const names = (["SIGINT", "SIGTERM", "SIGHUP"] as const).filter(
    (name) => name !== "SIGHUP" || !isIgnored("SIGHUP"), // as under nohup
  );
  for (const name of names) process.on(name, onSignal);
  const unsubscribe = onStdoutClosed(() => controller.abort("stdout closed"));
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal);
      unsubscribe();
    },
  };
}

function isIgnored(name: "SIGHUP"): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return ((mask >> BigInt(constants.signals[name] - 1)) & 1n) === 1n;
}
