/** Runs a TCP probe until it is told to stop, and hands on what it sees. */
import { Exit, type ExitCode } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { formatCount } from "../../base/units.ts";
import { dropCapabilities } from "../../kernel/privileges.ts";
import type { TcpEvent } from "../../probes/tcp/event.ts";
import type { TcpProbeOptions } from "../../probes/tcp/options.ts";
import { TcpProbe } from "../../probes/tcp/probe.ts";

export interface Following {
  readonly options: TcpProbeOptions;
  /** Said when tracing has begun. */
  readonly what: string;
  readonly stop: AbortSignal;
  readonly durationNs: number | undefined;
  /** Results before it ends by itself. */
  readonly count: number | undefined;
  /** Returns true when the event is a result. */
  onEvent?(event: TcpEvent, probe: TcpProbe): boolean;
  /** Called every `intervalNs` and at the end. Returns how many results it gave. */
  onInterval?(probe: TcpProbe, isLast: boolean): number;
  readonly intervalNs?: number | undefined;
  /** Name the hooks. */
  readonly debug?: boolean;
}

const lookMs = 50;

export async function follow(to: Following): Promise<ExitCode> {
  using probe = TcpProbe.open(to.options);
  dropCapabilities(["bpf"]); // all is attached; reading it is all that is left
  for (const { hook, why } of probe.refused) {
    log.warn(`without ${hook.name} (${hook.sentence}): ${why}`);
  }
  const talk = to.debug ? log.info : log.debug;
  for (const { name, sentence } of probe.hooks) talk(`${name}: ${sentence}`);
  log.info(`Tracing ${to.what}... Hit Ctrl-C to end.`);
  const begin = performance.now();
  const end = begin + (to.durationNs ?? Number.POSITIVE_INFINITY) / 1e6;
  const interval = (to.intervalNs ?? Number.POSITIVE_INFINITY) / 1e6;
  let results = 0;
  let next = begin + interval;
  const isDone = () => results >= (to.count ?? Number.POSITIVE_INFINITY);
  const look = () =>
    probe.read((event) => {
      if (!isDone() && to.onEvent?.(event, probe)) results++;
    });
  for (;;) {
    look();
    const now = performance.now();
    if (isDone() || now >= end || to.stop.aborted) break;
    if (now >= next) {
      next += interval;
      results += to.onInterval?.(probe, false) ?? 0;
      if (isDone()) break;
    }
    await pause(Math.min(lookMs, end - now, Math.max(1, next - now)), to.stop);
  }
  if (!isDone()) to.onInterval?.(probe, true);
  return complain(probe);
}

/** What was missed is said, and makes the result incomplete. */
function complain(probe: TcpProbe): ExitCode {
  const { untracked, lost, groupedAsOther } = probe.counters();
  if (untracked > 0) {
    log.warn(`${formatCount(untracked)} connections found no room; raise --connections`);
  }
  if (lost > 0) log.warn(`${formatCount(lost)} events were lost: the ring buffer was full`);
  if (groupedAsOther > 0) {
    log.warn(`${formatCount(groupedAsOther)} connections went to the group "other"`);
  }
  const leftOut = [...probe.programs().values()].reduce((sum, p) => sum + p.recursionMisses, 0);
  if (leftOut > 0) {
    log.warn(
      `${formatCount(leftOut)} runs of programs were left out by the kernel: an accept, a connect or a state may be missing`,
    );
  }
  return untracked + lost + leftOut > 0 ? Exit.incomplete : Exit.done;
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onStop = () => resolve();
  stop.addEventListener("abort", onStop);
  await promise;
  stop.removeEventListener("abort", onStop);
  clearTimeout(timer);
}
