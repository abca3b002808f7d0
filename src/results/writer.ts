import { closeSync, ftruncateSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { SpanRecords } from "../model/records.ts";
import type { RunParams } from "../model/run.ts";
import {
  microsecondsText,
  type ResultKind,
  resultKinds,
  resultName,
  secondsText,
} from "./names.ts";
import { spansHeader, spansRow } from "./spansFile.ts";
import { cannotWrite, createExclusive, writeAll } from "./wholeFile.ts";

const flushChars = 64 * 1024;

/** A result file to which whole rows are appended: what is in it is complete at any moment. */
class RowFile {
  readonly path: string;
  #handle: number;
  #bytes = 0;
  #text = "";

  constructor(path: string) {
    this.path = path;
    this.#handle = createExclusive(path);
  }

  add(row: string): void {
    this.#text += row;
    if (this.#text.length >= flushChars) this.flush();
  }

  /** Hands the rows to the kernel. When that fails half-way, the file ends before them. */
  flush(): void {
    const bytes = new TextEncoder().encode(this.#text);
    this.#text = "";
    try {
      writeAll(this.#handle, bytes);
    } catch (error) {
      ftruncateSync(this.#handle, this.#bytes);
      throw cannotWrite(this.path, error, "; the rows written before are kept");
    }
    this.#bytes += bytes.length;
  }

  close(): void {
    if (this.#handle >= 0) closeSync(this.#handle);
    this.#handle = -1;
  }
}

/** The state of the VNF's socket queue when an interval begins. */
export interface BufferState {
  /** Interval, 1…. */
  readonly interval: number;
  readonly bytes: number;
  readonly packets: number;
  /** Datagrams that the full queue has dropped since the socket was opened. */
  readonly drops: number;
}

/**
 * The result files of one parameter combination. Creating it claims the names of all of them, so a
 * run that would meet older results fails before it measures. Each call appends and flushes whole
 * rows; a packet without the value in question has no row, but takes its number: rows of KERNEL_ and
 * VNF_ with the same number are the same packet.
 */
export class ResultFiles implements Disposable {
  readonly #files = new Map<ResultKind, RowFile>();
  readonly #common: string;
  readonly #numbers = { KERNEL: 0, VNF: 0 };
  #begun = false;
  /** The outermost folder that was made for the files. */
  #made: string | undefined;

  /**
   * *Fails when* one of the files exists, or the folder cannot be made or written to; then none of
   * the files is left behind. `kinds`: without VNF_ where nobody knows the truth.
   */
  constructor(
    readonly folder: string,
    params: RunParams,
    kinds: readonly ResultKind[] = resultKinds,
  ) {
    const { pps, sizeBytes, sleepNs, delayNs } = params;
    this.#common = `${pps};${sizeBytes};${secondsText(sleepNs)};${microsecondsText(delayNs)}`;
    let path = folder;
    try {
      this.#made = mkdirSync(folder, { recursive: true });
      for (const kind of kinds) {
        path = join(folder, resultName(kind, params));
        this.#files.set(kind, new RowFile(path));
      }
      path = folder;
      this.#files.get("SPANS")?.add(`${spansHeader}\n`);
      this.#files.get("SPANS")?.flush();
    } catch (error) {
      this.#discard();
      throw cannotWrite(path, error);
    }
  }

  get paths(): string[] {
    return [...this.#files.values()].map((file) => file.path);
  }

  /** Sojourn times of these rows of the records, in this order. */
  kernel(records: SpanRecords, rows: ArrayLike<number>): void {
    this.#packets("KERNEL", records, rows, 0, (row) => records.span("sojourn", row));
  }

  /** The VNF's own service times: `truthNs` per record, NaN where unknown. Index from 0, as in 2019. */
  vnf(records: SpanRecords, rows: ArrayLike<number>, truthNs: Float64Array): void {
    this.#packets("VNF", records, rows, 1, (row) => truthNs[row]);
  }

  spans(records: SpanRecords, rows: ArrayLike<number>, truthNs?: Float64Array): void {
    this.#append("SPANS", (file) => {
      for (let at = 0; at < rows.length; at++) {
        file.add(`${spansRow(records, rows[at], truthNs?.[rows[at]] ?? Number.NaN)}\n`);
      }
    });
  }

  buffer({ interval, bytes, packets, drops }: BufferState): void {
    this.#append("BUFFER", (file) => file.add(`${interval};${bytes};${packets};${drops}\n`));
  }

  #packets(
    kind: "KERNEL" | "VNF",
    records: SpanRecords,
    rows: ArrayLike<number>,
    indexOffset: number,
    value: (row: number) => number,
  ): void {
    this.#append(kind, (file) => {
      for (let at = 0; at < rows.length; at++) {
        const row = rows[at];
        const number = ++this.#numbers[kind];
        const ns = value(row);
        if (Number.isNaN(ns)) continue;
        const place = `${records.interval[row]};${records.index[row] - indexOffset}`;
        file.add(`${number};${place};${this.#common};${ns}\n`);
      }
    });
  }

  #append(kind: ResultKind, write: (file: RowFile) => void): void {
    const file = this.#files.get(kind);
    if (file === undefined) return;
    this.#begun = true;
    write(file);
    file.flush();
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  /** Closes the files; where nothing was measured, none of them stays. */
  [Symbol.dispose](): void {
    if (this.#begun) this.close();
    else this.#discard();
  }

  #discard(): void {
    this.close();
    for (const { path } of this.#files.values()) unlinkSync(path);
    if (this.#made !== undefined) removeEmpty(this.folder, this.#made);
  }
}

/** Removes `folder` and those above it down to `outermost`, as far as they are empty. */
function removeEmpty(folder: string, outermost: string): void {
  try {
    for (let path = resolve(folder); path.startsWith(resolve(outermost)); path = dirname(path)) {
      rmdirSync(path);
    }
  } catch {} // somebody has put something there
}

/** The rows of the sampled packets (interval 1…) in order of interval and index. */
export function sampledRows(records: SpanRecords): Uint32Array {
  const { interval, index } = records;
  const rows = new Uint32Array(records.length);
  let count = 0;
  let ascending = true;
  for (let row = 0; row < records.length; row++) {
    if (interval[row] === 0) continue;
    const last = rows[count - 1];
    if (count > 0 && before(interval, index, row, last)) ascending = false;
    rows[count++] = row;
  }
  const sampled = rows.subarray(0, count);
  if (!ascending) sampled.sort((a, b) => interval[a] - interval[b] || index[a] - index[b] || a - b);
  return sampled;
}

function before(interval: Uint32Array, index: Uint32Array, a: number, b: number): boolean {
  return interval[a] < interval[b] || (interval[a] === interval[b] && index[a] < index[b]);
}
