/** How a sweep goes, on stderr: a bar that redraws on a terminal, and a line for each run. */
import { LogLevels } from "consola/core";
import { log } from "../base/log.ts";
import { printError } from "../base/output.ts";
import { formatNs } from "../base/units.ts";
import { aboutText } from "./estimate.ts";
import type { Outcome } from "./outcome.ts";
import type { SweepRun } from "./runs.ts";
import { runText } from "./runText.ts";

const barColumns = 20;
const redrawMs = 100;

export interface ProgressOptions {
  /** A terminal that can be drawn on. */
  readonly live: boolean;
  /** Runs are added as results come: how many there will be is not known. */
  readonly open: boolean;
  readonly columns: () => number;
}

export class Progress {
  #drawn = false;
  #drawnAt = 0;
  #text: (() => string) | undefined;

  constructor(readonly options: ProgressOptions) {}

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    log.info(line);
    this.#draw();
  }

  begin(run: SweepRun, done: number, of: number, remaining: (share: number) => number): void {
    let share = 0;
    this.#text = () => {
      const interval = `${Math.round(share * run.params.intervals)} of ${run.params.intervals}`;
      if (this.options.open) return `run ${done + 1}, interval ${interval}: ${runText(run)}`;
      const bar = barText((done + share) / of);
      const left = aboutText(remaining(share));
      return `${bar} ${done + 1} of ${of}, about ${left} left: ${runText(run)}`;
    };
    this.#interval = (one, all) => {
      share = one / all;
    };
    this.#draw();
  }

  #interval: (done: number, of: number) => void = () => {};

  interval(done: number, of: number): void {
    this.#interval(done, of);
    if (performance.now() - this.#drawnAt >= redrawMs) this.#draw();
  }

  done({ run, state, result, why }: Outcome, done: number, of: number, remainingNs: number): void {
    this.#text = undefined;
    const service = result?.spans.service;
    const found = service
      ? `service p50 ${formatNs(service.p50_ns)}, p99 ${formatNs(service.p99_ns)}`
      : "";
    const ended = [state === "done" ? "" : `${state}: ${why}`, found].filter(Boolean).join("; ");
    const { open } = this.options;
    const left = done < of && !open ? `; about ${aboutText(remainingNs)} left` : "";
    this.say(`${open ? `run ${done}` : `${done} of ${of}`}: ${runText(run)}: ${ended}${left}`);
  }

  end(): void {
    this.#text = undefined;
    this.#clear();
  }

  #draw(): void {
    const { live, columns } = this.options;
    if (!live || log.level < LogLevels.info || this.#text === undefined) return;
    this.#drawnAt = performance.now();
    const text = Bun.sliceAnsi(this.#text(), 0, Math.max(20, columns() - 1));
    printError(`\r${text}\x1b[K`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) printError("\r\x1b[K");
    this.#drawn = false;
  }
}

function barText(share: number): string {
  const full = Math.round(Math.min(1, share) * barColumns);
  return `[${"█".repeat(full)}${"░".repeat(barColumns - full)}]`;
}
