import { KomonError } from "../base/errors.ts";
import { sleepUntilNs } from "../kernel/clock.ts";
import { monotonicNs } from "../kernel/libc.ts";
import { SpanRecords } from "../model/records.ts";
import type { VnfProbe } from "../probes/vnf/probe.ts";
import type { ResultFiles } from "../results/writer.ts";
import { Random } from "../stats/random.ts";
import { gapNs, runInterval } from "./intervals.ts";
import { defaultTimeoutNs, type RunOptions } from "./options.ts";
import { boundTo, socketQueue } from "./socketQueue.ts";

/** Called after each interval: how many are done. */
export type Progress = (done: number, of: number) => void;

/** The part between go and the end: intervals, and their rows in the files. */
export class Session {
  readonly records = new SpanRecords(1 << 14);
  alive: () => boolean = () => true;
  /** Addresses to which the load may send, as {@link boundTo} has them. */
  bound: ReadonlySet<string> = boundTo([]);
  ended: string | undefined;
  /** Why the files could not be written any more. */
  unwritten: KomonError | undefined;
  readonly started = new Date().toISOString();
  /** What an interval may take. */
  readonly timeoutNs: number;
  incomplete = 0;
  done = 0;

  constructor(
    readonly options: RunOptions,
    readonly probe: VnfProbe,
    readonly vnf: number,
    readonly files: ResultFiles | undefined,
    readonly stop: AbortSignal,
    readonly progress: Progress,
  ) {
    const { packets, pps } = options.params;
    this.timeoutNs = options.timeoutNs ?? defaultTimeoutNs(packets, pps);
  }

  async sample(): Promise<void> {
    const { params, gap, seed, port } = this.options;
    const random = new Random(seed);
    const plan = { ...params, gap, timeoutNs: this.timeoutNs };
    await this.#firstPacket();
    for (let interval = 1; interval <= params.intervals && !this.ended; interval++) {
      const { bytes, drops } = socketQueue(port, this.bound);
      const packets = this.probe.queued(this.vnf);
      const first = this.records.length;
      const { probe, vnf, records, stop } = this;
      const missing = await runInterval(probe, vnf, interval, plan, records, stop, this.alive);
      if (missing > 0) this.incomplete++;
      this.write((files) => {
        files.buffer({ interval, bytes, packets, drops });
        files.kernel(records, orderedRows(records, first));
      });
      this.done = interval;
      this.progress(interval, params.intervals);
      if (stop.aborted) this.ended = "interrupted";
      else if (!this.alive()) break;
      else if (interval < params.intervals) await pause(gapNs(gap, params.sleepNs, random), stop);
    }
  }

  /** Writes into the files. The first failure ends the session; what was measured is still to be had. */
  write(rows: (files: ResultFiles) => void): void {
    if (this.files === undefined || this.unwritten) return;
    try {
      rows(this.files);
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      this.unwritten = error;
      this.ended ??= error.what;
    }
  }

  /** The load has said that it is ready; the first packet proves that packets pass. */
  async #firstPacket(): Promise<void> {
    const deadline = performance.now() + this.timeoutNs / 1e6;
    while (this.probe.activity(this.vnf).matched === 0) {
      if (this.stop.aborted) this.ended = "interrupted";
      if (this.ended || !this.alive() || performance.now() > deadline) return;
      await Bun.sleep(1);
    }
  }
}

/**
 * The rows from `first` on, in the order of their place in the interval: a record comes when its packet reaches the
 * device, which need not be the order in which packets were sent.
 */
function orderedRows({ index, length }: SpanRecords, first: number): Uint32Array {
  const rows = Uint32Array.from({ length: length - first }, (_, at) => first + at);
  return rows.sort((a, b) => index[a] - index[b]);
}

async function pause(ns: number, stop: AbortSignal): Promise<void> {
  const end = monotonicNs() + ns;
  while (!stop.aborted) {
    const left = end - monotonicNs();
    if (left <= 0) return;
    if (left < 2e6) return sleepUntilNs(end);
    await Bun.sleep(Math.min(50, left / 1e6 - 1));
  }
}
